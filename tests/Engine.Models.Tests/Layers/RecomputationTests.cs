using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models.Tests;

public sealed class RecomputationTests
{
    static readonly VitConfig Config = ModelFixtures.Small with { Depth = 4, Dropout = 0.2f, DropPath = 0.3f, LayerScale = 0.5f };

    static Dictionary<string, float[]> Step(bool recomputes, params ReadOnlySpan<string> freeze) => Step(new VisionTransformer(Config, seed: 5), recomputes, freeze);

    // Every gradient of a training step, by name; where the random numbers stand after it.
    static Dictionary<string, float[]> Step(ImageClassifier model, bool recomputes, params ReadOnlySpan<string> freeze)
    {
        (model.Random, model.RecomputesBlocks) = (new RandomSource(9), recomputes);
        model.Freeze(freeze);
        model.Train();
        using StepScope scope = StepScope.Begin();
        Tensor pixels = RandomNumbers.Normal([3, 3, model.ImageSize, model.ImageSize], new Philox(2));
        Functions.CrossEntropy(model.Forward(pixels), Tensor.From<int>([0, 1, 2], [3])).Backward();
        Dictionary<string, float[]> gradients = model.Parameters.Where(parameter => parameter.HasGradient)
            .ToDictionary(parameter => parameter.Name, parameter => parameter.Gradient!.ToArray<float>());
        gradients["position of the random numbers"] = [model.Random.Position];
        return gradients;
    }

    [Fact]
    public void Gradients_have_the_same_bits_with_dropout_and_drop_path_on() => Same(Step(false), Step(true));

    [Theory]
    [InlineData("blocks.0.*")]
    [InlineData("blocks.?.attn.*")]
    public void And_with_frozen_parts(string frozen)
    {
        Same(Step(false, frozen), Step(true, frozen));
        Same(Step(false, frozen, "patch_embedding.*", "class_token", "position_embedding"), Step(true, frozen, "patch_embedding.*", "class_token", "position_embedding"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("layers.0.*")]
    [InlineData("layers.?.mlp.*")]
    public void A_language_model_too_with_tied_embeddings_and_a_mask(string frozen)
    {
        Same(Gradients(false), Gradients(true));

        Dictionary<string, float[]> Gradients(bool recomputes)
        {
            Llama model = new(ModuleScope.Root(seed: 5), LlamaModels.Small) { RecomputesBlocks = recomputes };
            if (frozen.Length > 0) model.Freeze(frozen, "embed.*");
            model.Train();
            using StepScope scope = StepScope.Begin();
            int vocabulary = LlamaModels.Small.VocabularySize;
            bool[] seen = [.. Enumerable.Range(0, 2 * 7 * 7).Select(i => i / 7 % 7 == i % 7 || i % 3 > 0)];
            Variable logits = model.Forward(
                Tensor.From(LlamaModels.Tokens(14, vocabulary), [2, 7]), Tensor.From(seen, [2, 1, 7, 7]));
            Functions.CrossEntropy(Functions.Reshape(logits, 14, vocabulary), Tensor.From(LlamaModels.Tokens(14, vocabulary, seed: 6), [14])).Backward();
            return model.Parameters.Where(parameter => parameter.HasGradient)
                .ToDictionary(parameter => parameter.Name, parameter => parameter.Gradient!.ToArray<float>());
        }
    }

    [Fact]
    public void Shifted_windows_too()
    {
        SwinConfig config = SwinFixtures.Small with { DropPath = 0.3f };
        Same(Step(new SwinTransformer(config, seed: 5), recomputes: false), Step(new SwinTransformer(config, seed: 5), recomputes: true));
    }

    static void Same(Dictionary<string, float[]> plain, Dictionary<string, float[]> again)
    {
        Assert.NotEmpty(plain);
        Assert.Equal(plain.Keys, again.Keys);
        foreach ((string name, float[] gradient) in plain) Assert.True(gradient.AsSpan().SequenceEqual(again[name]), name);
    }

    [Fact]
    public void A_block_more_costs_the_memory_of_its_input_and_not_of_all_that_is_in_it()
    {
        (double plain, double again) = (Slope(false), Slope(true));
        Assert.True(again < plain / 8, $"{again:N0} bytes a block, {plain:N0} without");
    }

    // Bytes of activations a block: the peak of a step less parameters and gradients, over eight more blocks.
    static double Slope(bool recomputes)
    {
        return (Peak(12) - Peak(4)) / 8.0;

        long Peak(int depth)
        {
            Device device = new("cpu", 0, new CpuBackend());
            VitConfig config = Config with { Depth = depth, Width = 32, Heads = 2, MlpWidth = 64 };
            VisionTransformer model = new(config, seed: 1, device) { RecomputesBlocks = recomputes };
            model.Train();
            Tensor pixels = Tensor.Ones([16, config.Channels, config.ImageSize, config.ImageSize], device: device);
            Tensor labels = Tensor.From<int>(new int[16], [16], device);
            for (int step = 0; step < 2; step++)
            {
                using StepScope scope = StepScope.Begin();
                foreach (Parameter parameter in model.Parameters) parameter.ZeroGradient();
                long before = device.Backend.Memory.Used;
                Functions.CrossEntropy(model.Forward(pixels), labels).Backward();
                if (step == 1) return device.Backend.Memory.Peak - before;
            }

            return 0;
        }
    }
}
