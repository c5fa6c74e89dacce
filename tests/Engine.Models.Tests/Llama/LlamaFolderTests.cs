using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class LlamaFolderTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public static TheoryData<string> Names => [.. LlamaModels.Names];

    public void Dispose() => scratch.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void An_untrained_model_is_saved_byte_for_byte_as_it_came(string name)
    {
        string folder = ModelFixtures.Copy(name, scratch);
        foreach (string companion in (string[])["generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"])
            File.WriteAllText(Path.Combine(folder, companion), $"what {companion} holds");
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder);
        loaded.Save(scratch["saved"]);
        AssertSameFolders(folder, scratch["saved"]);
        Assert.Equal("Hugging Face LLaMA", loaded.Layout);
        Assert.Empty(loaded.Fresh);
        Assert.Empty(loaded.Unused);
    }

    [Fact]
    public void Shards_come_and_go_as_they_are()
    {
        string folder = Shard(ModelFixtures.Copy("llama_gqa_tied", scratch));
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder);
        Llama whole = LlamaModels.Load("llama_gqa_tied");
        foreach (Parameter parameter in whole.Parameters) TensorAssert.SameBits(loaded.Model[parameter.Name].Value, parameter.Value, parameter.Name);
        loaded.Save(scratch["saved"]);
        AssertSameFolders(folder, scratch["saved"]);
        File.Delete(Path.Combine(folder, "model-00002-of-00002.safetensors"));
        Refused(folder, "model-00002-of-00002.safetensors");
    }

    [Fact]
    public void A_tied_head_may_be_stored_too()
    {
        string folder = WithHead(embedding => embedding);
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder);
        loaded.Save(scratch["saved"]);
        AssertSameFolders(folder, scratch["saved"]);

        Parameter embedding = loaded.Model["embed.weight"];
        embedding.Load(Tensor.Full(embedding.Shape, 0.25));
        loaded.Save(scratch["trained"]);
        using SafeTensors file = SafeTensors.Open(Path.Combine(scratch["trained"], "model.safetensors"));
        Assert.All(file.Read<float>("lm_head.weight").ToArray(), value => Assert.Equal(0.25f, value));
        Assert.All(file.Read<float>("model.embed_tokens.weight").ToArray(), value => Assert.Equal(0.25f, value));
    }

    [Fact]
    public void A_tied_head_that_differs_is_refused() =>
        Refused(WithHead(embedding => [.. embedding[..^1], 1]), "tensor \"lm_head.weight\": differs from \"model.embed_tokens.weight\"");

    [Fact]
    public void Angles_that_early_conversions_stored_are_kept()
    {
        string folder = ModelFixtures.Copy("llama_mha", scratch);
        ModelFixtures.Rewrite(folder, item => item, new SafeTensorItem("model.layers.1.self_attn.rotary_emb.inv_freq", SafeTensorType.F32, 4));
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder);
        Assert.Equal(["model.layers.1.self_attn.rotary_emb.inv_freq"], loaded.Unused);
        loaded.Save(scratch["saved"]);
        AssertSameFolders(folder, scratch["saved"]);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_model_of_our_own_is_saved_and_read(bool llama3)
    {
        LlamaConfig config = LlamaModels.Small with { EndIds = [2, 7], RotaryBase = 500000 };
        if (llama3) config = config with { RotaryScaling = new(8, 1, 4, 32), TiedEmbeddings = false, BeginId = null, EndIds = [] };
        Llama model = new(config, seed: 3);
        ModelFolder.Save(model, scratch["own"], new Dictionary<string, byte[]> { ["tokenizer.json"] = [1, 2, 3] });
        Llama again = ModelFolder.Load<Llama>(scratch["own"]).Model;
        Assert.Equal(config, again.Config with { EndIds = config.EndIds });
        Assert.Equal(config.EndIds, again.Config.EndIds);
        foreach (Parameter parameter in model.Parameters) TensorAssert.SameBits(again[parameter.Name].Value, parameter.Value, parameter.Name);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(Path.Combine(scratch["own"], "tokenizer.json")));
    }

    [Theory]
    [InlineData("""{"type": "linear", "factor": 4}""")]
    [InlineData("""{"rope_type": "linear", "factor": 4.0}""")]
    public void Linear_scaling_is_read_in_both_spellings(string scaling)
    {
        string folder = Changed("llama_mha", config => config["rope_scaling"] = JsonNode.Parse(scaling));
        Assert.Equal(RotaryScaling.Linear(4), ModelFolder.Load<Llama>(folder).Model.Config.RotaryScaling);
    }

    [Fact]
    public void Llama3_scaling_is_read_in_all_spellings()
    {
        RotaryScaling expected = new(8, 1, 4, 16);
        Assert.Equal(expected, LlamaModels.Load("llama3_rope_scaling").Config.RotaryScaling);
        string older = Changed("llama3_rope_scaling", config =>
        {
            config["rope_scaling"]!["type"] = "llama3";
            config["rope_scaling"]!.AsObject().Remove("rope_type");
        });
        Assert.Equal(expected, ModelFolder.Load<Llama>(older).Model.Config.RotaryScaling);
        string newer = Changed("llama3_rope_scaling", config =>
        {
            JsonObject parameters = config["rope_scaling"]!.DeepClone().AsObject();
            parameters["rope_theta"] = 250000;
            config["rope_parameters"] = parameters;
            config.Remove("rope_scaling");
            config.Remove("rope_theta");
        });
        LlamaConfig read = ModelFolder.Load<Llama>(newer).Model.Config;
        Assert.Equal((expected, 250000), (read.RotaryScaling, read.RotaryBase));
    }

    [Fact]
    public void What_a_config_leaves_out_has_the_librarys_defaults()
    {
        string folder = Changed("llama_mha", config =>
        {
            foreach (string key in (string[])["num_key_value_heads", "rope_theta", "hidden_act", "tie_word_embeddings", "attention_bias", "mlp_bias", "eos_token_id", "bos_token_id"]) config.Remove(key);
        });
        LlamaConfig read = ModelFolder.Load<Llama>(folder).Model.Config;
        Assert.Equal((4, 10000.0, false, null, 0), (read.KeyValueHeads, read.RotaryBase, read.TiedEmbeddings, read.BeginId, read.EndIds.Count));
    }

    [Theory]
    [InlineData("model_type", "\"mistral\"", "\"model_type\" is \"mistral\"")]
    [InlineData("hidden_act", "\"gelu\"", "\"hidden_act\" is \"gelu\"")]
    [InlineData("rope_scaling", """{"rope_type": "yarn", "factor": 4}""", "type \"yarn\"; known are default, linear and llama3")]
    [InlineData("rope_scaling", """{"type": "dynamic", "factor": 4}""", "type \"dynamic\"")]
    [InlineData("rope_scaling", """{"type": "linear"}""", "lacks \"rope_scaling.factor\"")]
    [InlineData("rope_scaling", """{"type": "linear", "factor": 0}""", "rotary scaling")]
    [InlineData("quantization_config", """{"quant_method": "gptq", "bits": 4}""", "quantized (gptq)")]
    [InlineData("num_key_value_heads", "3", "4 heads are not a multiple of 3")]
    [InlineData("head_dim", "7", "head size 7")]
    [InlineData("head_dim", "16", "\"model.layers.0.self_attn.q_proj.weight\": F32 [32, 32] found, config.json makes it [64, 32]")]
    [InlineData("num_hidden_layers", "3", "holds 2 blocks, config.json says 3")]
    [InlineData("vocab_size", "98", "tensor \"model.embed_tokens.weight\": F32 [97, 32] found, config.json makes it [98, 32]")]
    [InlineData("tie_word_embeddings", "true", "tensor \"lm_head.weight\": differs from \"model.embed_tokens.weight\"")]
    [InlineData("attention_bias", "true", "8 tensors are missing: \"model.layers.0.self_attn.q_proj.bias\"")]
    [InlineData("eos_token_id", "[2, 97]", "end token 97 is not in the vocabulary of 97")]
    [InlineData("eos_token_id", "\"two\"", "\"eos_token_id\" must be a list of whole numbers")]
    [InlineData("rms_norm_eps", "-1", "epsilon -1")]
    [InlineData("max_position_embeddings", "0", "context (0)")]
    public void A_config_that_is_wrong(string key, string value, string problem) =>
        Refused(Changed("llama_mha", config => config[key] = JsonNode.Parse(value)), problem);

    [Fact]
    public void A_head_that_is_missing()
    {
        string folder = ModelFixtures.Copy("llama_mha", scratch);
        ModelFixtures.Rewrite(folder, item => item.Name == "lm_head.weight" ? null : item);
        Refused(folder, "1 tensor is missing: \"lm_head.weight\"");
    }

    [Theory]
    [InlineData("llama_mha", false)]
    [InlineData("llama_gqa_tied", true)]
    public void A_base_without_a_head_of_its_own_gives_states_and_a_tied_one_tokens(string name, bool hasHead)
    {
        string folder = WithoutHead(name);
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder);
        Llama whole = LlamaModels.Load(name);
        Tensor tokens = Tensor.From(LlamaModels.Tokens(9, whole.Config.VocabularySize), [1, 9]);
        Assert.Equal((ModelKind.LanguageModel, "Hugging Face LLaMA", hasHead), (ModelFolder.KindOf(folder), loaded.Layout, loaded.Model.Config.HasHead));
        Assert.Equal(loaded.Model.Config.ParameterCount, loaded.Model.ParameterCount);
        TensorAssert.SameBits(loaded.Model.Hidden(tokens).Value, whole.Hidden(tokens).Value, "states");
        if (hasHead) TensorAssert.SameBits(loaded.Model.Forward(tokens).Value, whole.Forward(tokens).Value, "logits");
        else Assert.Contains("the model has no head", Assert.Throws<InvalidOperationException>(() => loaded.Model.Forward(tokens)).Message, StringComparison.Ordinal);
        loaded.Save(scratch["saved"]);
        AssertSameFolders(folder, scratch["saved"]);
    }

    [Fact]
    public void A_base_of_our_own_without_a_head_is_saved_and_read()
    {
        LlamaConfig config = LlamaModels.Small with { TiedEmbeddings = false, HasHead = false };
        Llama model = new(config, seed: 3);
        ModelFolder.Save(model, scratch["base"]);
        Assert.Equal("LlamaModel", (string?)JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["base"], "config.json")))!["architectures"]![0]);
        Llama again = ModelFolder.Load<Llama>(scratch["base"]).Model;
        Assert.False(again.Config.HasHead);
        foreach (Parameter parameter in model.Parameters) TensorAssert.SameBits(again[parameter.Name].Value, parameter.Value, parameter.Name);
        Assert.Throws<ArgumentException>(() => new Llama(config with { TiedEmbeddings = true }));
    }

    [Fact]
    public void A_base_of_another_family_with_the_same_names_is_refused()
    {
        string folder = WithoutHead("llama_mha"), path = Path.Combine(folder, "config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"llama\"", "\"mistral\"", StringComparison.Ordinal));
        Refused(folder, "\"model_type\" is \"mistral\"");
    }

    // As LlamaModel is saved: the names of its own parts, without the head's and without what they begin with beside one.
    string WithoutHead(string name)
    {
        string folder = Changed(name, config => config["architectures"] = new JsonArray("LlamaModel"));
        ModelFixtures.Rewrite(folder, item => item.Name == "lm_head.weight" ? null : new(item.Name["model.".Length..], item.Type, item.Shape.ToArray()));
        return folder;
    }

    [Fact]
    public void Classes_of_a_language_model_are_refused() =>
        Assert.Contains("has no classes", Assert.Throws<CheckpointException>(() =>
            ModelFolder.Load<Llama>(ModelFixtures.Folder("llama_mha"), new() { Classes = 3 })).Message, StringComparison.Ordinal);

    string Changed(string name, Action<JsonObject> change)
    {
        string folder = scratch[Path.GetRandomFileName()];
        Directory.Move(ModelFixtures.Copy(name, scratch), folder);
        string path = Path.Combine(folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
        return folder;
    }

    string WithHead(Func<float[], float[]> head)
    {
        string folder = ModelFixtures.Copy("llama_gqa_tied", scratch), path = Path.Combine(folder, "model.safetensors");
        using (SafeTensors file = SafeTensors.Open(path))
        {
            float[] values = head(file.Read<float>("model.embed_tokens.weight").ToArray());
            SafeTensors.Create(path + ".new", writer =>
            {
                writer.Write("lm_head.weight", SafeTensorType.F32, [97, 32], System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
                foreach (SafeTensorItem item in file.Items.Values) writer.Write(item.Name, item.Type, item.Shape, file.Read(item.Name));
            }, file.Metadata);
        }

        File.Move(path + ".new", path, overwrite: true);
        return folder;
    }

    // Every other tensor into the second file, and an index sorted by name, as the library writes it.
    static string Shard(string folder)
    {
        string path = Path.Combine(folder, "model.safetensors");
        JsonObject map = [];
        using (SafeTensors file = SafeTensors.Open(path))
        {
            SafeTensorItem[] items = [.. file.Items.Values];
            for (int shard = 0; shard < 2; shard++)
            {
                string name = $"model-0000{shard + 1}-of-00002.safetensors";
                SafeTensors.Create(Path.Combine(folder, name), writer =>
                {
                    for (int i = shard; i < items.Length; i += 2)
                    {
                        writer.Write(items[i].Name, items[i].Type, items[i].Shape, file.Read(items[i].Name));
                        map[items[i].Name] = name;
                    }
                }, file.Metadata);
            }

            JsonObject index = new() { ["metadata"] = new JsonObject { ["total_size"] = items.Sum(item => item.ByteLength) }, ["weight_map"] = new JsonObject(map.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone()))) };
            File.WriteAllText(path + ".index.json", index.ToJsonString(new() { WriteIndented = true }).ReplaceLineEndings("\n") + "\n");
        }

        File.Delete(path);
        return folder;
    }

    static void AssertSameFolders(string expected, string actual)
    {
        string[] files = [.. Directory.GetFiles(expected).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        Assert.Equal(files, Directory.GetFiles(actual).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach (string file in files)
            Assert.True(File.ReadAllBytes(Path.Combine(expected, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, file))), file);
    }

    static void Refused(string folder, string problem)
    {
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<Llama>(folder)).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
