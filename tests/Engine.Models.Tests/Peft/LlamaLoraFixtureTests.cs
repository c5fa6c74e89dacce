using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>LoRA on LLaMA against torch in double precision, from the folders that a user of the PEFT library has.</summary>
public sealed class LlamaLoraFixtureTests
{
    public static IEnumerable<TheoryDataRow<FixtureCase>> Cases => ModelFixtures.Cases("llama_lora");

    static (LoadedModel<Llama> Loaded, AdapterSet Adapters) Open(Fixture f)
    {
        string folder = ModelFixtures.Folder(f.Name);
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder, new() { Device = f.Device });
        return (loaded, Peft.Load(loaded, Path.Combine(folder, "adapter")));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Logits_loss_and_every_gradient_are_the_references(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        (LoadedModel<Llama> loaded, AdapterSet adapters) = Open(f);
        Tensor tokens = f.Load("in.ids");
        Variable logits = loaded.Model.Forward(tokens);
        Close(f, logits.Value, "out.logits");

        int last = tokens.Shape[1] - 1, vocabulary = loaded.Model.Config.VocabularySize;
        Variable before = Functions.Reshape(Functions.Slice(logits, 1, 0, last), -1, vocabulary);
        Variable loss = Functions.CrossEntropy(before, tokens.Slice(1, 1, last + 1).Reshape(-1));
        Close(f, loss.Value.Reshape(1), "out.loss");
        loss.Backward();
        Assert.All(loaded.Model.Parameters, parameter => Assert.Equal(parameter.ZeroAnchor, parameter.HasGradient));

        // Saved in the place of the adapters, the gradients lie under the library's names.
        foreach (Parameter parameter in loaded.Model.Parameters.Where(parameter => parameter.ZeroAnchor)) parameter.Load(parameter.Gradient!);
        adapters.Save(scratch["gradients"]);
        using SafeTensors gradients = SafeTensors.Open(Path.Combine(scratch["gradients"], "adapter_model.safetensors"));
        Assert.NotEmpty(gradients.Items);
        foreach (string name in gradients.Items.Keys)
        {
            Tensor expected = f.Load($"grad.{name}");
            Close(f, Tensor.From(gradients.Read<float>(name), expected.Shape), $"grad.{name}");
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Merged_weights_are_the_references_and_the_merged_model_gives_the_same_logits(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        (LoadedModel<Llama> loaded, AdapterSet adapters) = Open(f);
        adapters.Merge();
        Close(f, loaded.Model.Forward(f.Load("in.ids")).Value, "out.logits");
        int count = adapters.Adapters.Count;
        adapters.Detach();
        loaded.Save(scratch["merged"]);
        using ShardedSafeTensors merged = ShardedSafeTensors.Open(scratch["merged"]);
        string[] names = [.. merged.Items.Keys.Where(name => f.Has($"merged.{name}"))];
        Assert.Equal(count, names.Length);
        foreach (string name in names)
        {
            Tensor expected = f.Load($"merged.{name}");
            Close(f, Tensor.From(merged.Read<float>(name), expected.Shape), $"merged.{name}");
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void An_adapter_folder_is_saved_to_the_byte(FixtureCase reference)
    {
        using Fixture f = reference.Open();
        using SafeTensorsScratch scratch = new();
        (_, AdapterSet adapters) = Open(f);
        adapters.Save(scratch["again"]);
        foreach (string name in (string[])["adapter_config.json", "adapter_model.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(ModelFixtures.Folder(f.Name), "adapter", name)), File.ReadAllBytes(Path.Combine(scratch["again"], name)));
    }

    [Theory]
    [InlineData("llama_bf16", DType.BFloat16)]
    [InlineData("llama_f16", DType.Float16)]
    public void Weights_that_stay_mapped_in_16_bits_are_adapted_merged_and_restored(string name, DType type)
    {
        using StepScope step = StepScope.Begin();
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(ModelFixtures.Folder(name), new() { Weights = WeightPrecision.Stored });
        AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Targets = ["q_proj", "down_proj"], Rank = 2, Alpha = 4 });
        AdapterTests.Fill(loaded.Model);
        Tensor tokens = Tensor.From<int>([1, 5, 9, 30, 2, 7], [1, 6]);
        Variable logits = loaded.Model.Forward(tokens);
        Functions.Sum(Functions.Square(logits)).Backward(retain: true);
        Assert.All(loaded.Model.Parameters, parameter => Assert.Equal(parameter.ZeroAnchor, parameter.HasGradient));

        LinearAdapter adapter = adapters.Adapters[0];
        Tensor weight = adapter.Layer.Weight.Value;
        Assert.Equal(type, weight.DType);
        Tensor expected = (weight.To(DType.Float32) + Matrices.MatMul(adapter["b"].Value * 2, adapter["a"].Value)).To(type);
        adapters.Merge();
        TensorAssert.SameBits(adapter.Layer.Weight.Value, expected, "merged");
        adapters.Unmerge();
        Assert.Same(weight, adapter.Layer.Weight.Value);
        TensorAssert.SameBits(loaded.Model.Forward(tokens).Value, logits.Value, "unmerged");
    }

    [Theory]
    [InlineData("llama_bf16")]
    [InlineData("llama_f16")]
    public void Merging_into_mapped_weights_saves_the_bytes_of_merging_into_widened_ones(string name)
    {
        using SafeTensorsScratch scratch = new();
        foreach (WeightPrecision precision in (WeightPrecision[])[WeightPrecision.Stored, WeightPrecision.Float32])
        {
            LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(ModelFixtures.Folder(name), new() { Weights = precision });
            AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Targets = ["q_proj", "down_proj", "lm_head"], Rank = 2, Alpha = 4 });
            AdapterTests.Fill(loaded.Model);
            adapters.Merge();
            adapters.Detach();
            loaded.Save(scratch[precision.ToString()]);
        }

        ModelFixtures.AssertSameFolders(scratch["Float32"], scratch["Stored"]);
        Assert.NotEqual(File.ReadAllBytes(Path.Combine(ModelFixtures.Folder(name), "model.safetensors")), File.ReadAllBytes(Path.Combine(scratch["Stored"], "model.safetensors")));
    }

    [Theory]
    [InlineData("llama_bf16", DType.BFloat16)]
    [InlineData("llama_f16", DType.Float16)]
    public void A_head_that_is_trained_beside_adapters_is_widened_and_nothing_else(string name, DType type)
    {
        using StepScope step = StepScope.Begin();
        using SafeTensorsScratch scratch = new();
        Tensor tokens = Tensor.From<int>([1, 5, 9, 30, 2, 7], [1, 6]);
        LoadedModel<Llama> Open() => ModelFolder.Load<Llama>(ModelFixtures.Folder(name), new() { Weights = WeightPrecision.Stored });
        LoadedModel<Llama> loaded = Open();
        Tensor before = loaded.Model.Forward(tokens).Value;
        AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Targets = ["q_proj"], Rank = 2, Alpha = 4, AlsoTrain = ["lm_head"] });
        TensorAssert.SameBits(loaded.Model.Forward(tokens).Value, before, "attached");
        Functions.Sum(Functions.Square(loaded.Model.Forward(tokens))).Backward();
        Assert.All(loaded.Model.Parameters.Where(parameter => parameter is { Rank: 2, ZeroAnchor: false }), parameter =>
            Assert.Equal(parameter.Name == "head.weight" ? (DType.Float32, true) : (type, false), (parameter.Value.DType, parameter.HasGradient)));

        loaded.Model["head.weight"].Load(Tensor.Full(loaded.Model["head.weight"].Shape, 0.001));        // not a number of 16 bits
        adapters.Save(scratch["adapter"]);
        LoadedModel<Llama> again = Open();
        Peft.Load(again, scratch["adapter"]);
        TensorAssert.SameBits(again.Model["head.weight"].Value, loaded.Model["head.weight"].Value, "read back");
    }

    [Fact]
    public void The_librarys_names_are_targets()
    {
        Llama model = LlamaModels.Load("llama_gqa_tied");
        Assert.Equal(["layers.0.attn.q", "layers.0.attn.v", "layers.0.mlp.down", "layers.1.attn.q", "layers.1.attn.v", "layers.1.mlp.down"],
            Peft.Attach(model, new LoraOptions { Targets = ["q_proj", "*.self_attn.v_proj", "down"] }).Adapters.Select(adapter => adapter.Layer.Path));
    }

    [Fact]
    public void The_adapter_of_another_llama_is_refused_by_its_first_tensor_that_does_not_fit()
    {
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(ModelFixtures.Folder("llama_lora_all"));
        string folder = Path.Combine(ModelFixtures.Folder("llama_lora_qv"), "adapter");
        string message = Assert.Throws<CheckpointException>(() => Peft.Load(loaded, folder)).Message;
        Assert.Contains("layers.0.self_attn.v_proj.lora_B.weight\": it is [32, 4], the model and adapter_config.json make it [16, 4]", message, StringComparison.Ordinal);
        Assert.Contains("another base model (it was trained on \"..\")", message, StringComparison.Ordinal);
    }

    static void Close(Fixture f, Tensor ours, string name) =>
        TensorAssert.Close(ours, f.Load(name), f.RelativeTolerance, f.AbsoluteTolerance, $"{f.Name}: {name}");
}
