using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class AdapterTests
{
    static readonly VitConfig Small = new() { ImageSize = 8, PatchSize = 4, Width = 12, Depth = 2, Heads = 2, MlpWidth = 16, Classes = 3 };

    public static TheoryData<AdapterOptions> Kinds =>
    [
        new LoraOptions { Targets = ["qkv", "fc1"], Rank = 2, Alpha = 4 },
        new LoraOptions { Targets = ["all-linear"], Rank = 3, Alpha = 6, RankStabilized = true },
        new SeriesAdapterOptions { Targets = ["proj", "fc1"], Bottleneck = 5 },
        new SeriesAdapterOptions { Targets = ["fc1", "fc2"], Bottleneck = 5, Placement = AdapterPlacement.Before, Scaling = 0.5f },
        new ParallelAdapterOptions { Targets = ["fc1", "fc2"], Bottleneck = 5, Activation = Activation.Gelu, Scaling = 2 },
    ];

    [Theory, MemberData(nameof(Kinds))]
    public void A_fresh_adapter_changes_nothing_and_alone_is_trained(AdapterOptions options)
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small, seed: 3);
        int own = model.Parameters.Count;
        Tensor pixels = RandomNumbers.Normal([2, 3, 8, 8], new Philox(1));
        Tensor before = model.Forward(pixels).Value;
        AdapterSet adapters = Peft.Attach(model, options);
        TensorAssert.Close(model.Forward(pixels).Value, before, 1e-5, 1e-6, "a fresh adapter");
        Assert.All(model.Parameters.Take(own), parameter => Assert.False(parameter.Trainable));
        Assert.All(model.Parameters.Skip(own), parameter => Assert.True(parameter is { Trainable: true, ZeroAnchor: true }));
        Assert.Equal(adapters.ParameterCount, model.Parameters.Skip(own).Sum(parameter => parameter.Value.ElementCount));

        adapters.Detach();
        Assert.Equal(own, model.Parameters.Count);
        Assert.All(model.Parameters, parameter => Assert.True(parameter.Trainable));
        TensorAssert.SameBits(model.Forward(pixels).Value, before, "after detaching");
    }

    [Theory, MemberData(nameof(Kinds))]
    public void The_gradients_of_adapters_in_a_block_are_the_difference_quotients(AdapterOptions options)
    {
        VitBlock block = new(ModuleScope.Root(seed: 1, dtype: DType.Float64) / "block", new() { Width = 6, Heads = 2, MlpWidth = 8 });
        Peft.Attach(block, options with { Bias = AdapterBias.AdaptedOnly });
        Parameter[] trained = [.. block.Parameters.Where(parameter => parameter.Trainable)];
        ulong stream = 0;
        foreach (Parameter parameter in trained) parameter.Load(RandomNumbers.Normal(parameter.Shape, new Philox(7, stream++), deviation: 0.5f, dtype: DType.Float64));
        Tensor x = RandomNumbers.Normal([2, 3, 6], new Philox(4), dtype: DType.Float64);
        GradCheck.Check(inputs => block.Forward(inputs[0]), [new Variable(x, requiresGradient: true)]);
        Assert.Contains(trained, parameter => parameter.Name.EndsWith("bias", StringComparison.Ordinal));
        Assert.All(trained, parameter => CheckParameter(block, parameter, x));
    }

    // Central differences of a weighted sum by every element of a parameter.
    static void CheckParameter(Block block, Parameter parameter, Tensor x)
    {
        using StepScope step = StepScope.Begin();
        Variable result = block.Forward(x);
        Tensor weights = RandomNumbers.Normal(result.Shape, new Philox(5), dtype: DType.Float64);
        foreach (Parameter each in block.Parameters) each.ZeroGradient();
        result.Backward(weights);
        double[] gradient = parameter.Gradient!.ToArray<double>(), values = parameter.Value.ToArray<double>();
        double Loss() => Reduction.Sum(block.Forward(x).Value * weights).Item();
        for (int i = 0; i < values.Length; i++)
        {
            double original = values[i];
            values[i] = original + 1e-5;
            parameter.Value.CopyFrom<double>(values);
            double above = Loss();
            values[i] = original - 1e-5;
            parameter.Value.CopyFrom<double>(values);
            double difference = (above - Loss()) / 2e-5;
            values[i] = original;
            parameter.Value.CopyFrom<double>(values);
            Assert.True(Math.Abs(gradient[i] - difference) <= 1e-6 * (1 + Math.Abs(difference)), $"{parameter.Name}[{i}]: gradient {gradient[i]:R}, difference {difference:R}");
        }
    }

    [Theory]
    [InlineData(false, 8f / 4)]
    [InlineData(true, 8f / 2)]
    public void The_update_is_scaled_by_alpha_over_the_rank_or_its_root(bool stabilized, float scale)
    {
        using StepScope step = StepScope.Begin();
        Holder root = new(ModuleScope.Root(seed: 1));
        Linear layer = root.Layer;
        Peft.Attach(root, new LoraOptions { Targets = ["fc"], Rank = 4, Alpha = 8, RankStabilized = stabilized });
        Parameter a = root["fc.lora.a"], b = root["fc.lora.b"];
        b.Load(RandomNumbers.Normal([5, 4], new Philox(3)));
        Tensor x = RandomNumbers.Normal([7, 6], new Philox(2));
        Tensor expected = Matrices.Linear(x, layer.Weight.Value, layer.Bias!.Value) + Matrices.Linear(Matrices.Linear(x, a.Value), b.Value) * scale;
        TensorAssert.Close(layer.Forward(x).Value, expected, 1e-5, 1e-5, "y");
        Assert.All(a.Value.ToArray<float>(), value => Assert.InRange(value, -1 / MathF.Sqrt(6), 1 / MathF.Sqrt(6)));
    }

    sealed class Holder(ModuleScope at) : Module(at)
    {
        public Linear Layer { get; } = new(at / "fc", 6, 5);
    }

    [Fact]
    public void Dropout_is_of_the_adapters_input_alone_and_only_while_training()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small, seed: 3);
        Peft.Attach(model, new LoraOptions { Targets = ["head"], Rank = 4, Dropout = 0.5f });
        Linear head = model.Find<Linear>("head");
        Tensor x = RandomNumbers.Normal([4, 12], new Philox(2));
        model.Train();
        TensorAssert.Close(head.Forward(x).Value, Matrices.Linear(x, head.Weight.Value, head.Bias!.Value), 1e-6, 1e-6, "with B at zero");
        model["head.lora.b"].Load(Tensor.Ones([3, 4]));
        Assert.NotEqual(head.Forward(x).Value.ToArray<float>(), head.Forward(x).Value.ToArray<float>());
        model.Evaluate();
        Assert.Equal(head.Forward(x).Value.ToArray<float>(), head.Forward(x).Value.ToArray<float>());
    }

    [Theory]
    [InlineData("qkv", 2)]
    [InlineData("*.attn.*", 4)]
    [InlineData("blocks.0.mlp.fc1", 1)]
    [InlineData("mlp.fc2", 2)]
    [InlineData("all-linear", 8)]
    [InlineData("*", 9)]
    public void Targets_are_names_ends_of_names_and_patterns(string target, int layers) =>
        Assert.Equal(layers, Peft.Attach(new VisionTransformer(Small), new LoraOptions { Targets = [target] }).Adapters.Count);

    [Fact]
    public void A_target_that_fits_nothing_is_refused_with_the_candidates_and_leaves_the_model_as_it_was()
    {
        VisionTransformer model = new(Small);
        string message = Assert.Throws<ArgumentException>(() => Peft.Attach(model, new LoraOptions { Targets = ["qkv", "q_porj"] })).Message;
        Assert.Contains("'q_porj' fits no linear layer", message, StringComparison.Ordinal);
        Assert.Contains("qkv, proj, fc1, fc2, head", message, StringComparison.Ordinal);
        Assert.All(model.Parameters, parameter => Assert.True(parameter.Trainable));
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused()
    {
        VisionTransformer model = new(Small);
        AdapterOptions[] wrong =
        [
            new LoraOptions { Targets = [] }, new LoraOptions { Targets = ["qkv"], Rank = 0 }, new LoraOptions { Targets = ["qkv"], Alpha = float.NaN },
            new LoraOptions { Targets = ["qkv"], Dropout = 1 }, new SeriesAdapterOptions { Targets = ["qkv"], Bottleneck = 0 }, new LoraOptions { Targets = ["qkv"], AlsoTrain = ["nrom.*"] },
        ];
        Assert.All(wrong, options => Assert.Throws<ArgumentException>(() => Peft.Attach(model, options)));
        Peft.Attach(model, new LoraOptions { Targets = ["qkv"] });
        Assert.Contains("has an adapter already", Assert.Throws<ArgumentException>(() => Peft.Attach(model, new LoraOptions { Targets = ["qkv"] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Head_biases_and_others_are_trained_beside_the_adapters_where_asked()
    {
        string[] Trained(LoraOptions options)
        {
            VisionTransformer model = new(Small with { Depth = 1 });
            Peft.Attach(model, options);
            return [.. model.Parameters.Where(parameter => parameter.Trainable && !parameter.ZeroAnchor).Select(parameter => parameter.Name)];
        }

        LoraOptions lora = new() { Targets = ["qkv"] };
        Assert.Empty(Trained(lora));
        Assert.Equal(["head.weight", "head.bias"], Trained(lora with { TrainHead = true }));
        Assert.Equal(["blocks.0.attn.qkv.bias"], Trained(lora with { Bias = AdapterBias.AdaptedOnly }));
        Assert.Equal(9, Trained(lora with { Bias = AdapterBias.All }).Length);
        Assert.Equal(["norm.weight", "norm.bias"], Trained(lora with { AlsoTrain = ["norm"] }));
    }

    [Fact]
    public void Merging_gives_the_same_result_and_unmerging_the_same_bits()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small, seed: 3);
        AdapterSet adapters = Peft.Attach(model, new LoraOptions { Targets = ["all-linear"], Rank = 3 });
        Fill(model);
        Tensor pixels = RandomNumbers.Normal([2, 3, 8, 8], new Philox(1));
        Tensor[] weights = [.. adapters.Adapters.Select(adapter => adapter.Layer.Weight.Value.Clone())];
        Tensor adapted = model.Forward(pixels).Value;
        adapters.Merge();
        adapters.Merge();
        TensorAssert.Close(model.Forward(pixels).Value, adapted, 1e-4, 1e-5, "merged");
        Assert.All(adapters.Adapters, adapter => Assert.True(adapter.IsMerged));
        adapters.Unmerge();
        for (int i = 0; i < weights.Length; i++) TensorAssert.SameBits(adapters.Adapters[i].Layer.Weight.Value, weights[i], "unmerged");
        TensorAssert.SameBits(model.Forward(pixels).Value, adapted, "unmerged");

        adapters.Merge();
        adapters.Detach();
        Assert.DoesNotContain(model.Parameters, parameter => parameter.ZeroAnchor);
        TensorAssert.Close(model.Forward(pixels).Value, adapted, 1e-4, 1e-5, "merged and detached");
    }

    [Theory]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float16)]
    public void A_weight_of_16_bits_is_adapted_without_being_widened_first(DType type)
    {
        using StepScope step = StepScope.Begin();
        Variable weight = RandomNumbers.Normal([5, 6], new Philox(1)).To(type), wide = weight.Value.To(DType.Float32);
        Tensor a = RandomNumbers.Normal([2, 6], new Philox(2)), b = RandomNumbers.Normal([5, 2], new Philox(3)), x = RandomNumbers.Normal([4, 6], new Philox(4));
        (Tensor Y, Tensor DX, Tensor DA, Tensor DB) Run(Variable w)
        {
            Variable input = new(x, true), down = new(a, true), up = new(b, true);
            Variable y = Functions.LowRankLinear(input, w, null, new LowRankUpdate(input, down, up, 0.5f));
            Functions.Sum(Functions.Square(y)).Backward(retain: true);
            return (y.Value, input.Gradient!, down.Gradient!, up.Gradient!);
        }

        var (halved, widened) = (Run(weight), Run(wide));
        TensorAssert.SameBits(halved.Y, widened.Y, "y");
        TensorAssert.SameBits(halved.DX, widened.DX, "dx");
        TensorAssert.SameBits(halved.DA, widened.DA, "da");
        TensorAssert.SameBits(halved.DB, widened.DB, "db");
    }

    [Fact]
    public void An_adapter_with_a_nonlinearity_cannot_be_merged() =>
        Assert.Contains("SeriesAdapter", Assert.Throws<InvalidOperationException>(
            () => Peft.Attach(new VisionTransformer(Small), new SeriesAdapterOptions { Targets = ["fc1"] }).Merge()).Message, StringComparison.Ordinal);

    internal static void Fill(Module model)
    {
        ulong stream = 0;
        foreach (Parameter parameter in model.Parameters.Where(parameter => parameter.ZeroAnchor))
            parameter.Load(RandomNumbers.Normal(parameter.Shape, new Philox(11, stream++), deviation: 0.3f));
    }
}
