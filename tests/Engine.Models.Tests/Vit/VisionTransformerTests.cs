using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class VisionTransformerTests
{
    static readonly VitConfig Small = ModelFixtures.Small;

    [Fact]
    public void The_same_seed_gives_the_same_model_and_another_seed_another()
    {
        float[][] weights = [.. new ulong[] { 7, 7, 8 }.Select(seed => new VisionTransformer(Small, seed)["blocks.1.mlp.fc2.weight"].Value.ToArray<float>())];
        Assert.Equal(weights[0], weights[1]);
        Assert.NotEqual(weights[0], weights[2]);
    }

    [Fact]
    public void Fresh_weights_have_the_usual_distributions()
    {
        VisionTransformer model = new(Small with { Width = 192, MlpWidth = 768 }, seed: 1);
        float[] weight = model["blocks.0.mlp.fc1.weight"].Value.ToArray<float>();
        float glorot = MathF.Sqrt(2f / (192 + 768));
        Assert.InRange(Deviation(weight), 0.985f * glorot, 1.015f * glorot);
        Assert.InRange(weight.Average(), -0.0005, 0.0005);
        Assert.InRange(Deviation(model["head.weight"].Value.ToArray<float>()), 0.018, 0.022);
        Assert.InRange(Deviation(model["position_embedding"].Value.ToArray<float>()), 0.018, 0.022);
        Assert.InRange(Deviation(model["class_token"].Value.ToArray<float>()), 0.8e-6, 1.2e-6);
        Assert.All(model["blocks.0.mlp.fc1.bias"].Value.ToArray<float>(), value => Assert.Equal(0, value));
        Assert.All(model["norm.weight"].Value.ToArray<float>(), value => Assert.Equal(1, value));
        float bound = 1 / MathF.Sqrt(3 * 8 * 8);
        float[] patches = model["patch_embedding.weight"].Value.ToArray<float>();
        Assert.InRange(patches.Max(), 0.99f * bound, bound);
        Assert.All(model.Parameters, parameter => Assert.True(parameter.IsFresh));
    }

    [Fact]
    public void Averaging_normalises_the_mean_of_the_patches_and_leaves_the_class_token_out()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small with { Pooling = Pooling.Average }, seed: 5);
        Assert.DoesNotContain(model.Parameters, parameter => parameter.Name.StartsWith("norm.", StringComparison.Ordinal));
        float[] sequence = model.Encode(ModelFixtures.Pixels(Small)).Value.ToArray<float>();
        float[] features = model.Features(ModelFixtures.Pixels(Small)).Value.ToArray<float>();
        for (int image = 0; image < 2; image++)
        {
            double[] mean = new double[Small.Width];
            for (int token = 1; token < Small.SequenceLength; token++)
                for (int d = 0; d < Small.Width; d++) mean[d] += sequence[((image * Small.SequenceLength) + token) * Small.Width + d] / (double)Small.PatchCount;
            double average = mean.Average(), deviation = Math.Sqrt(mean.Average(value => (value - average) * (value - average)) + Small.Epsilon);
            for (int d = 0; d < Small.Width; d++) Assert.Equal((mean[d] - average) / deviation, features[(image * Small.Width) + d], 1e-4);
        }
    }

    [Fact]
    public void A_model_without_class_token_has_a_sequence_of_patches_alone()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small with { Pooling = Pooling.Average, HasClassToken = false });
        Assert.Equal([2, Small.PatchCount, Small.Width], model.Encode(ModelFixtures.Pixels(Small)).Shape);
        Assert.Equal([2, Small.Classes], model.Forward(ModelFixtures.Pixels(Small)).Shape);
    }

    [Fact]
    public void Layer_scale_of_zero_leaves_the_embedding_as_it_is()
    {
        using StepScope step = StepScope.Begin();
        VitConfig config = Small with { LayerScale = 0, Pooling = Pooling.Average };
        VisionTransformer model = new(config, seed: 2), shallow = new(config with { Depth = 1 }, seed: 2);
        TensorAssert.SameBits(model.Encode(ModelFixtures.Pixels(Small)).Value, shallow.Encode(ModelFixtures.Pixels(Small)).Value, "depth without effect");
        Assert.Contains("blocks.1.scale2.gamma", model.Parameters.Select(parameter => parameter.Name));
    }

    [Fact]
    public void A_model_without_classes_gives_its_features()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small with { Classes = 0 });
        TensorAssert.SameBits(model.Forward(ModelFixtures.Pixels(Small)).Value, model.Features(ModelFixtures.Pixels(Small)).Value, "no head");
    }

    [Fact]
    public void Images_of_another_size_are_refused_with_both_sizes()
    {
        VisionTransformer model = new(Small);
        ShapeException refusal = Assert.Throws<ShapeException>(() => model.Forward(Tensor.Zeros([2, 3, 16, 24])));
        Assert.Equal("VisionTransformer: pixels are [2, 3, 16, 24], the model takes [2, 3, 16, 16].", refusal.Message);
    }

    [Fact]
    public void A_shape_that_no_model_has_is_refused()
    {
        Assert.Contains("25 is not a multiple of 3", Assert.Throws<ArgumentException>(() => new VisionTransformer(Small with { Width = 25 })).Message, StringComparison.Ordinal);
        Assert.Contains("divide into patches of 7", Assert.Throws<ArgumentException>(() => new VisionTransformer(Small with { PatchSize = 7 })).Message, StringComparison.Ordinal);
        Assert.Contains("needs a class token", Assert.Throws<ArgumentException>(() => new VisionTransformer(Small with { HasClassToken = false })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluation_needs_no_more_memory_for_more_blocks()
    {
        Assert.Equal(PeakOfEvaluation(depth: 2), PeakOfEvaluation(depth: 10));

        // Recording does: this shows that the measure sees what it should.
        Assert.True(PeakOfEvaluation(depth: 10, recorded: true) > 2 * PeakOfEvaluation(depth: 2, recorded: true));
    }

    // Bytes above the parameters' own; a device of its own, since other tests allocate meanwhile.
    static long PeakOfEvaluation(int depth, bool recorded = false)
    {
        Device device = new("test", 0, new CpuBackend());
        VisionTransformer model = new(Small with { Depth = depth, ImageSize = 64, Width = 48 }, device: device);
        Tensor pixels = Tensor.Ones([4, 3, 64, 64], device: device);
        long before = device.Backend.Memory.Used;
        long peak = before;
        using Tape.Pause? pause = recorded ? null : Tape.NoGradient();
        using StepScope step = StepScope.Begin();
        Variable logits = model.Forward(pixels);
        peak = device.Backend.Memory.Peak;
        GC.KeepAlive(logits);
        GC.KeepAlive(pixels);
        GC.KeepAlive(model);
        return peak - before;
    }

    [Fact]
    public void Evaluation_leaves_nothing_behind_but_its_result()
    {
        Device device = new("test", 0, new CpuBackend());
        VisionTransformer model = new(Small, device: device);
        Tensor pixels = Tensor.Ones([2, 3, 16, 16], device: device);
        using Tape.Pause pause = Tape.NoGradient();
        Run(model, pixels);
        long before = device.Backend.Memory.Used;
        for (int i = 0; i < 20; i++) Run(model, pixels);
        Assert.Equal(before, device.Backend.Memory.Used);
        GC.KeepAlive(pixels);

        static void Run(VisionTransformer model, Tensor pixels)
        {
            using StepScope step = StepScope.Begin();
            model.Forward(pixels);
        }
    }

    [Fact]
    public void Frozen_blocks_are_not_recorded_and_the_trained_head_still_learns()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small, seed: 4);
        model.Freeze("*");
        model.Unfreeze("head.*");
        Functions.CrossEntropy(model.Forward(ModelFixtures.Pixels(Small)), Tensor.From<int>([1, 4], [2])).Backward();
        Assert.True(model["head.weight"].HasGradient);
        Assert.All(model.Parameters.Where(parameter => !parameter.Name.StartsWith("head.", StringComparison.Ordinal)), parameter => Assert.Null(parameter.Gradient));
    }

    [Fact]
    public void Evaluated_and_recorded_results_are_the_same_bits()
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small, seed: 4);
        Tensor recorded = model.Forward(ModelFixtures.Pixels(Small)).Value;
        using Tape.Pause pause = Tape.NoGradient();
        TensorAssert.SameBits(model.Forward(ModelFixtures.Pixels(Small)).Value, recorded, "logits");
    }

    [Theory]
    [InlineData(0.5f, 0f)]
    [InlineData(0f, 0.5f)]
    public void Dropout_and_drop_path_act_in_training_only_and_repeat_with_the_random_position(float dropout, float dropPath)
    {
        using StepScope step = StepScope.Begin();
        VisionTransformer model = new(Small with { Dropout = dropout, DropPath = dropPath }, seed: 4);
        Tensor pixels = ModelFixtures.Pixels(Small, count: 8);
        float[] evaluated = model.Forward(pixels).Value.ToArray<float>();
        model.Train();
        ulong position = model.Random.Position;
        float[] first = model.Forward(pixels).Value.ToArray<float>(), second = model.Forward(pixels).Value.ToArray<float>();
        model.Random.Position = position;
        float[] again = model.Forward(pixels).Value.ToArray<float>();
        model.Evaluate();
        float[] evaluatedAgain = model.Forward(pixels).Value.ToArray<float>();

        Assert.Equal(first, again);
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, evaluated);
        Assert.Equal(evaluated, evaluatedAgain);
    }

    static double Deviation(float[] values)
    {
        double mean = values.Average(value => (double)value);
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }
}
