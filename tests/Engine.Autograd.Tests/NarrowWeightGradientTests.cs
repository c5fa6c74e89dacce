using Engine.Tensors;
using Engine.Testing;

namespace Engine.Autograd.Tests;

/// <summary>Frozen weights, those of 16 bits among them: gradients pass through and stop where nothing is trained.</summary>
public sealed class NarrowWeightGradientTests
{
    [Theory]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float16)]
    public void The_gradient_of_the_input_is_the_difference_quotient(DType type)
    {
        Tensor weight = RandomNumbers.Normal([5, 7], new Philox(1)).To(type), table = RandomNumbers.Normal([7, 4], new Philox(2)).To(type);
        Variable x = new(RandomNumbers.Normal([3, 7], new Philox(3), dtype: DType.Float64), requiresGradient: true);
        GradCheck.Check(inputs => Functions.Linear(inputs[0], weight), [x]);
        GradCheck.Check(inputs => Functions.Linear(default(Gelu), inputs[0], weight), [x]);
        GradCheck.Check(inputs => Functions.MatMul(inputs[0], table), [x]);
    }

    [Theory]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float32)]
    public void A_frozen_layer_costs_backward_one_product_and_layers_below_the_trained_one_none(DType type)
    {
        CountingBackend counting = new(Device.Parse("cpu").Backend);
        Device device = new("counting", 0, counting);
        Tensor Weight(ulong seed) => RandomNumbers.Normal([8, 8], new Philox(seed), device: device).To(type);
        Parameter trained = new("trained", RandomNumbers.Normal([8, 8], new Philox(3), device: device));
        Variable x = RandomNumbers.Normal([4, 8], new Philox(4), device: device);
        Variable below = Functions.Linear(Functions.Linear(x, Weight(1)), Weight(2));
        Variable y = Functions.Sum(Functions.Linear(Functions.Linear(Functions.Linear(below, trained), Weight(5)), Weight(6)));
        int before = counting.Calls["MatMul"];
        Assert.Equal(5, before);
        y.Backward();
        Assert.Equal(3, counting.Calls["MatMul"] - before);         // through two frozen layers, then the trained one's weight
        Assert.True(trained.HasGradient);
    }

    [Fact]
    public void A_parameter_of_16_bits_is_frozen_for_good()
    {
        Tensor weight = Tensor.Ones([2, 3], DType.BFloat16);
        Parameter frozen = Parameter.Frozen("w", weight);
        Assert.False(frozen.Trainable);
        Assert.Same(weight, frozen.Value);
        frozen.Trainable = false;
        Assert.Contains("Parameter w is kept in BFloat16", Assert.Throws<GradientException>(() => frozen.Trainable = true).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_frozen_table_of_16_bits_gives_float32_rows()
    {
        Parameter table = Parameter.Frozen("table", RandomNumbers.Normal([9, 4], new Philox(1)).To(DType.BFloat16));
        Variable rows = Functions.Embedding(table, Tensor.From([8, 0, 8], [3]));
        Assert.Equal(DType.Float32, rows.Value.DType);
        Assert.False(rows.RequiresGradient);
        Assert.Equal(table.Value.To(DType.Float32).Slice(0, 8, 9).ToArray<float>(), rows.Value.Slice(0, 2, 3).ToArray<float>());
    }
}
