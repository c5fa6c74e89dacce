using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class LayerTests
{
    [Theory]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.GeluTanh)]
    [InlineData(Activation.QuickGelu)]
    [InlineData(Activation.Relu)]
    [InlineData(Activation.Silu)]
    public void A_linear_layer_through_an_activation_is_the_activation_of_its_sum(Activation activation)
    {
        using StepScope step = StepScope.Begin();
        Linear layer = new(ModuleScope.Root(seed: 1) / "fc", 6, 5, initial: InitialValues.Normal(1));
        layer.Bias!.Load(RandomNumbers.Normal([5], new Philox(3)));
        Variable x = RandomNumbers.Normal([4, 6], new Philox(2)), sum = layer.Forward(x);
        Variable expected = activation switch
        {
            Activation.Gelu => Functions.Gelu(sum),
            Activation.GeluTanh => Functions.GeluTanh(sum),
            Activation.QuickGelu => Functions.QuickGelu(sum),
            Activation.Relu => Functions.Relu(sum),
            _ => Functions.Silu(sum),
        };
        TensorAssert.Close(layer.Forward(x, activation).Value, expected.Value, 1e-5, 1e-6, activation.ToString());
    }

    [Fact]
    public void Dropout_drops_the_share_it_was_told_and_keeps_the_mean()
    {
        using StepScope step = StepScope.Begin();
        Dropout dropout = new(ModuleScope.Root(seed: 6) / "drop", 0.3f);
        Variable x = Tensor.Ones([100, 1000]);
        Assert.Same(x, dropout.Forward(x));
        dropout.Train();
        float[] dropped = dropout.Forward(x).Value.ToArray<float>();
        Assert.InRange(dropped.Count(value => value == 0) / 100_000.0, 0.29, 0.31);
        Assert.All(dropped.Where(value => value != 0), value => Assert.Equal(1 / 0.7f, value, 1e-5f));
        Assert.NotEqual(dropped, dropout.Forward(x).Value.ToArray<float>());
    }

    [Fact]
    public void Drop_path_drops_whole_samples()
    {
        using StepScope step = StepScope.Begin();
        DropPath dropPath = new(ModuleScope.Root(seed: 6) / "drop", 0.4f);
        dropPath.Train();
        float[] dropped = dropPath.Forward(Tensor.Ones([5000, 2, 3])).Value.ToArray<float>();
        int kept = 0;
        foreach (float[] sample in dropped.Chunk(6))
        {
            Assert.All(sample, value => Assert.Equal(sample[0], value));
            if (sample[0] != 0) kept++;
        }

        Assert.InRange(kept / 5000.0, 0.57, 0.63);
        Assert.Equal(1, dropped.Average(), 0.06f);
    }

    [Fact]
    public void Drop_path_rises_with_the_depth()
    {
        Assert.Equal([0, 0.1f, 0.2f], Enumerable.Range(0, 3).Select(block => DropPath.AtDepth(0.2f, block, 3)));
        Assert.Equal(0.2f, DropPath.AtDepth(0.2f, 0, 1));
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(-0.1f)]
    [InlineData(float.NaN)]
    public void A_probability_that_is_none_is_refused_with_the_place(float probability) =>
        Assert.Contains("blocks.2.drop", Assert.Throws<ArgumentOutOfRangeException>(
            () => new Dropout(ModuleScope.Root() / "blocks" / 2 / "drop", probability)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_block_with_layer_scale_has_the_gradient_of_its_difference_quotients()
    {
        VitConfig config = new() { Width = 6, Heads = 2, MlpWidth = 8, LayerScale = 0.5f };
        VitBlock block = new(ModuleScope.Root(seed: 1, dtype: DType.Float64) / "block", config);
        Tensor x = RandomNumbers.Normal([2, 3, 6], new Philox(4), dtype: DType.Float64);
        GradCheck.Check(inputs => block.Forward(inputs[0]), [new Variable(x, requiresGradient: true)]);
    }
}
