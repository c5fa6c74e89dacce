using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class LlamaTests
{
    [Fact]
    public void The_counts_are_the_papers()
    {
        Assert.Equal(6_738_415_616, LlamaConfig.Size7B.ParameterCount);
        Assert.Equal(13_015_864_320, LlamaConfig.Size13B.ParameterCount);
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    [InlineData(true, true, true)]
    public void The_counted_parameters_are_those_that_are_built(bool tied, bool attentionBias, bool mlpBias)
    {
        LlamaConfig config = LlamaModels.Small with { TiedEmbeddings = tied, AttentionBias = attentionBias, MlpBias = mlpBias };
        Assert.Equal(new Llama(config).ParameterCount, config.ParameterCount);
    }

    [Fact]
    public void No_token_sees_a_later_one()
    {
        Llama model = new(LlamaModels.Small, seed: 1);
        int[] tokens = LlamaModels.Tokens(20, 50), changed = [.. tokens];
        changed[12] = (changed[12] + 1) % 50;
        Tensor before = model.Forward(Tensor.From(tokens, [1, 20])).Value, after = model.Forward(Tensor.From(changed, [1, 20])).Value;
        TensorAssert.SameBits(before.Slice(1, 0, 12), after.Slice(1, 0, 12), "before the change");
        Assert.NotEqual(before.Select(1, 12).ToArray<float>(), after.Select(1, 12).ToArray<float>());
        Assert.NotEqual(before.Select(1, 19).ToArray<float>(), after.Select(1, 19).ToArray<float>());
    }

    [Fact]
    public void A_mask_keeps_packed_texts_apart()
    {
        Llama model = new(LlamaModels.Small, seed: 1);
        int[] tokens = LlamaModels.Tokens(20, 50);
        bool[] mask = new bool[20 * 20];
        for (int i = 0; i < 20; i++)
            for (int j = 0; j < 20; j++) mask[20 * i + j] = i < 8 == j < 8;
        Tensor packed = model.Forward(Tensor.From(tokens, [1, 20]), Tensor.From(mask, [20, 20])).Value;
        Tensor first = model.Forward(Tensor.From(tokens[..8], [1, 8])).Value, second = model.Forward(Tensor.From(tokens[8..], [1, 12])).Value;
        TensorAssert.Close(packed.Slice(1, 0, 8), first, 1e-4, 1e-5, "the first text");
        TensorAssert.Close(packed.Slice(1, 8, 20), second, 1e-4, 1e-5, "the second text, whose places count on");
    }

    [Fact]
    public void Linear_scaling_divides_every_place()
    {
        var (cosine, sine) = Rotary.Tables(10000, 16, 0, 9, RotaryScaling.Linear(4));
        var (plainCosine, plainSine) = Rotary.Tables(10000, 16, 0, 3);
        TensorAssert.Close(cosine.Slice(0, 0, 9, 4), plainCosine, 1e-6, 1e-6, "cosine");
        TensorAssert.Close(sine.Slice(0, 0, 9, 4), plainSine, 1e-6, 1e-6, "sine");
    }

    [Fact]
    public void Rotated_heads_lie_as_those_they_came_from()
    {
        Tensor heads = RandomNumbers.Normal([2, 5, 3, 4], new Philox(1)).Permute(0, 2, 1, 3);       // [2, 3, 5, 4]
        var (cosine, sine) = Rotary.Tables(10000, 4, 0, 5);
        Tensor rotated = Rotary.Rotate(heads, cosine, sine);
        Assert.True(rotated.Permute(0, 2, 1, 3).IsContiguous);
        TensorAssert.SameBits(rotated, Rotary.Rotate(heads.Contiguous(), cosine, sine), "rotated");
    }

    [Fact]
    public void Every_gradient_is_that_of_differences()
    {
        LlamaConfig config = LlamaModels.Small with { VocabularySize = 7, Width = 6, MlpWidth = 5, Depth = 2, Heads = 4, KeyValueHeads = 2, HeadSize = 4 };
        Llama model = new(ModuleScope.Root(seed: 2, dtype: DType.Float64), config);
        Tensor tokens = Tensor.From<int>([0, 3, 6, 2, 1, 3], [2, 3]), targets = Tensor.From<int>([3, 6, 2, 3, 1, 5], [6]);
        Functions.CrossEntropy(Functions.Reshape(model.Forward(tokens), 6, 7), targets).Backward();
        foreach (Parameter parameter in model.Parameters)
        {
            double[] gradient = parameter.Gradient!.ToArray<double>(), values = parameter.Value.ToArray<double>();
            for (int k = 0; k < values.Length; k += 3)
            {
                double difference = (Loss(k, 1e-5) - Loss(k, -1e-5)) / 2e-5;
                Assert.True(Math.Abs(gradient[k] - difference) <= 1e-6 * (1 + Math.Abs(difference)), $"{parameter.Name}[{k}]: gradient {gradient[k]:R}, difference {difference:R}");
            }

            double Loss(int k, double step)
            {
                using StepScope temporaries = StepScope.Begin();
                using Tape.Pause pause = Tape.NoGradient();
                double[] moved = [.. values];
                moved[k] += step;
                parameter.Value.CopyFrom<double>(moved);
                double loss = Functions.CrossEntropy(Functions.Reshape(model.Forward(tokens), 6, 7), targets).Value.Item();
                parameter.Value.CopyFrom<double>(values);
                return loss;
            }
        }
    }

    [Fact]
    public void Tokens_that_do_not_fit_are_refused()
    {
        Llama model = new(LlamaModels.Small);
        Refused("expected [B, T] with at least one token", () => model.Forward(Tensor.From<int>([1, 2], [2])));
        Refused("expected [B, T] with at least one token", () => model.Forward(Tensor.Empty([1, 0], DType.Int32)));
        Refused("longer than the model's context of 96", () => model.Forward(Tensor.Zeros([1, 97], DType.Int32)));
        Refused("50", () => model.Forward(Tensor.From<int>([1, 50], [1, 2])).Value.ToArray<float>());
        Refused("-1", () => model.Forward(Tensor.From<int>([1, -1], [1, 2])).Value.ToArray<float>());
    }

    [Theory]
    [InlineData(5, 2, 8, "5 heads are not a multiple of 2")]
    [InlineData(4, 2, 7, "head size 7")]
    public void A_shape_that_cannot_be_is_refused(int heads, int keys, int headSize, string problem) =>
        Assert.Contains(problem, Assert.Throws<ArgumentException>(() =>
            new Llama(LlamaModels.Small with { Heads = heads, KeyValueHeads = keys, HeadSize = headSize })).Message, StringComparison.Ordinal);

    static void Refused(string problem, Action action)
    {
        string message = Assert.Throws<ShapeException>(action).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
