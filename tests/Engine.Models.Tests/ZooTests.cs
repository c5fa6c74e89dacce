using System.Text;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>What holds of every model there is a reference of, whatever its family.</summary>
public sealed class ZooTests : IDisposable
{
    // The beginnings of the references' names, each with the test class that compares its logits, loss and gradients.
    static readonly (string Family, string Tests)[] Families =
    [
        ("vit_", nameof(ClassifierFixtureTests)), ("clip_vision_", nameof(ClassifierFixtureTests)), ("swin_", nameof(ClassifierFixtureTests)),
        ("llama_lora_", "LlamaLoraFixtureTests"), ("llama", "LlamaFixtureTests"),
    ];

    // The first layer of a block's MLP, as the layouts call it.
    static readonly string[] Hidden = ["mlp.fc1.weight", "mlp.0.weight", "intermediate.dense.weight", "mlp.up_proj.weight"];

    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    public static TheoryData<string> All => [.. Manifest.Of("models").Select(entry => entry.Name)];

    [Theory, MemberData(nameof(All))]
    public void Every_reference_belongs_to_a_family_that_a_test_takes(string name)
    {
        string tests = Families.FirstOrDefault(family => name.StartsWith(family.Family, StringComparison.Ordinal)).Tests;
        Assert.True(tests is not null, $"No test takes the reference {name}: add its family here and a test of it.");
        Assert.True(typeof(ZooTests).Assembly.GetTypes().Any(type => type.Name == tests), $"{name}: there is no {tests}.");
    }

    [Theory, MemberData(nameof(All))]
    public void Every_model_folder_is_saved_byte_for_byte_as_it_came(string name)
    {
        LoadedModel<Module> loaded = ModelFolder.Load<Module>(ModelFixtures.Folder(name));
        Assert.Empty(loaded.Fresh);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder(name), scratch["saved"]);
        ModelConverter.Convert(ModelFixtures.Folder(name), scratch["copied"], new());
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder(name), scratch["copied"]);
    }

    [Theory, MemberData(nameof(All))]
    public void Shards_with_an_index_are_saved_byte_for_byte_too(string name)
    {
        string folder = ModelFixtures.Copy(name, scratch);
        Shard(folder);
        ModelFolder.Load<Module>(folder).Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);
    }

    [Theory, MemberData(nameof(All))]
    public void Every_model_is_summarised_in_one_line(string name)
    {
        string folder = ModelFixtures.Folder(name);
        ModelSummary summary = ModelSummary.Of(folder);
        LoadedModel<Module> loaded = ModelFolder.Load<Module>(folder);
        Assert.Equal((loaded.Layout, loaded.Model.ParameterCount, 1), (summary.Layout, summary.Parameters, summary.Files));
        Assert.DoesNotContain('\n', summary.ToString());
        Assert.Contains(summary.Facts, fact => fact.Key is "classes" or "vocabulary");
    }

    [Fact]
    public void A_summary_says_what_distinguishes_the_model()
    {
        Assert.Equal($"timm ViT: {Count("vit_timm")} parameters, image size 32, classes 7, F32, 1 file", ModelSummary.Of(ModelFixtures.Folder("vit_timm")).ToString());
        Assert.Equal($"Hugging Face LLaMA: {Count("llama_bf16")} parameters, vocabulary 97, context 256, BF16, 1 file", ModelSummary.Of(ModelFixtures.Folder("llama_bf16")).ToString());
        string adapter = ModelSummary.Of(Path.Combine(ModelFixtures.Folder("llama_lora_qv"), "adapter")).ToString();
        Assert.StartsWith("LORA adapter: ", adapter, StringComparison.Ordinal);
        Assert.Contains("rank 4, alpha 8, targets q_proj v_proj, base .., F32, 1 file", adapter, StringComparison.Ordinal);

        static string Count(string name) => ModelFolder.Load<Module>(ModelFixtures.Folder(name)).Model.ParameterCount.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory, MemberData(nameof(All))]
    public void A_tensor_that_is_missing_is_named_whatever_the_family(string name)
    {
        string folder = ModelFixtures.Copy(name, scratch), missing;
        using (ShardedSafeTensors file = ShardedSafeTensors.Open(folder))
            missing = file.Items.Keys.Last(tensor => Hidden.Any(part => tensor.Contains(part, StringComparison.Ordinal)));
        ModelFixtures.Rewrite(folder, item => item.Name == missing ? null : item);
        Assert.Contains($"1 tensor is missing: \"{missing}\"", Refusal(folder), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(All))]
    public void A_tensor_too_many_is_named_whatever_the_family(string name)
    {
        string folder = ModelFixtures.Copy(name, scratch);
        ModelFixtures.Rewrite(folder, item => item, new SafeTensorItem("stray.weight", SafeTensorType.F32, 2));
        Assert.Contains("1 tensor is not part of the model: \"stray.weight\"", Refusal(folder), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(All))]
    public void A_config_of_another_width_contradicts_the_weights(string name)
    {
        string folder = ModelFixtures.Copy(name, scratch), path = Path.Combine(folder, "config.json"), config = File.ReadAllText(path);
        string wrong = config
            .Replace("\"hidden_size\": 48", "\"hidden_size\": 96", StringComparison.Ordinal)
            .Replace("\"hidden_size\": 32", "\"hidden_size\": 64", StringComparison.Ordinal)
            .Replace("\"embed_dim\": 24", "\"embed_dim\": 48", StringComparison.Ordinal);
        Assert.NotEqual(config, wrong);
        File.WriteAllText(path, wrong);
        Assert.Contains("config.json makes it [", Refusal(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_architecture_is_told_what_is_known()
    {
        string folder = ModelFixtures.Copy("vit_hf", scratch);
        File.WriteAllText(Path.Combine(folder, "config.json"), """{"architectures": ["BertForMaskedLM"], "model_type": "bert"}""");
        ModelFixtures.Rewrite(folder, item => new("bert." + item.Name, item.Type, item.Shape));
        string message = Refusal(folder);
        Assert.Contains("config.json calls it \"BertForMaskedLM\"", message, StringComparison.Ordinal);
        foreach (ModelLayout layout in ModelLayout.All) Assert.Contains(layout.Name, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pytorch_model.bin")]
    [InlineData("vit_b_16.pt")]
    public void Pickles_are_refused_with_what_to_do(string file)
    {
        string folder = ModelFixtures.Copy("vit_timm", scratch);
        File.Delete(Path.Combine(folder, "model.safetensors"));
        File.WriteAllBytes(Path.Combine(folder, file), [.. "PK"u8, 3, 4, .. Encoding.ASCII.GetBytes("archive/data.pkl")]);
        Assert.Contains("are pickles: convert them with the safetensors package of Python", Refusal(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        string folder = ModelFixtures.Copy("llama_mha", scratch);
        Shard(folder);
        File.Delete(Path.Combine(folder, "model-00002-of-00002.safetensors"));
        Assert.Contains("its shard model-00002-of-00002.safetensors is missing in the folder; fetch it", Refusal(folder), StringComparison.Ordinal);
    }

    static string Refusal(string folder)
    {
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<Module>(folder)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    // Two files and an index in the reference's order, the second half of the tensors in the second.
    static void Shard(string folder)
    {
        string path = Path.Combine(folder, "model.safetensors");
        using SafeTensors file = SafeTensors.Open(path);
        SafeTensorItem[] items = [.. file.Items.Values];
        List<string> entries = [];
        for (int shard = 0; shard < 2; shard++)
        {
            string name = $"model-0000{shard + 1}-of-00002.safetensors";
            SafeTensorItem[] held = shard == 0 ? items[..(items.Length / 2)] : items[(items.Length / 2)..];
            SafeTensors.Create(Path.Combine(folder, name), held, writer =>
            {
                foreach (SafeTensorItem item in held) writer.Write(item.Name, item.Type, item.Shape, file.Read(item.Name));
            }, file.Metadata);
            entries.AddRange(held.Select(item => $"    \"{item.Name}\": \"{name}\""));
        }

        long total = items.Sum(item => item.ByteLength);
        File.WriteAllText(path + ".index.json", $"{{\n  \"metadata\": {{\n    \"total_size\": {total}\n  }},\n  \"weight_map\": {{\n{string.Join(",\n", entries)}\n  }}\n}}\n");
        file.Dispose();
        File.Delete(path);
    }
}
