namespace Engine.Tensors.Tests;

public sealed class ProfilingTests
{
    readonly ProfilingBackend profile = new(new CpuBackend());

    [Fact]
    public void A_product_is_noted_with_its_sizes_arithmetic_and_traffic()
    {
        Device device = new("test", 0, profile);
        Tensor a = Tensor.Zeros([3, 4], device: device), b = Tensor.Zeros([5, 4], device: device).Transpose(), y = Tensor.Empty([3, 5], device: device);
        profile.Clear();
        Matrices.MatMulInto(a, b, y);
        Matrices.MatMulInto(a, b, y, accumulate: true);
        OperationProfile product = Assert.Single(profile.Operations(byShape: true));
        Assert.Equal(("MatMul", "3 x 4 x 5'", 2L, 2 * 2.0 * 3 * 4 * 5), (product.Name, product.Shape, product.Calls, product.Flops));
        Assert.Equal(sizeof(float) * (2 * (12 + 20 + 15) + 15), product.Bytes);
    }

    [Fact]
    public void Operations_are_told_apart_by_formula_and_if_asked_by_shape()
    {
        Device device = new("test", 0, profile);
        Tensor x = Tensor.Ones([2, 3], device: device), z = Tensor.Ones([6], device: device);
        profile.Clear();
        Elementwise.Map(new Gelu(), x);
        Elementwise.Map(new Gelu(), z);
        Elementwise.Map(new Silu(), x);
        (string, string, long)[] Of(bool byShape) => [.. profile.Operations(byShape).Where(o => o.Method == "Map").Select(o => (o.Name, o.Shape, o.Calls)).Order()];
        Assert.Equal([("Map Gelu", "", 2), ("Map Silu", "", 1)], Of(byShape: false));
        Assert.Equal([("Map Gelu", "[2, 3]", 1), ("Map Gelu", "[6]", 1), ("Map Silu", "[2, 3]", 1)], Of(byShape: true));
    }

    [Fact]
    public void Time_in_an_operation_that_another_calls_counts_once()
    {
        // A transposed operand of this size is straightened by a copy inside the map.
        Device device = new("test", 0, profile);
        Tensor x = Tensor.Ones([256, 256], device: device).Transpose();
        StepProfile step = StepProfile.Measure(profile, () => Elementwise.Map(new Silu(), x).Release(), steps: 3, warmUp: 1);
        Assert.Contains(step.Operations, operation => operation is { Method: "Copy", Calls: 1 });
        Assert.True(step.SecondsOutside >= 0, $"the operations sum to {-step.SecondsOutside} s more than the step");
    }

    [Fact]
    public void The_bound_is_arithmetic_or_memory_whichever_takes_longer()
    {
        MachineRoofline machine = new(FlopsPerSecond: 100, BytesPerSecond: 10);
        OperationProfile operation = new("MatMul", "", "", 1, 1, Flops: 50, Bytes: 20);
        Assert.Equal((2.0, 5.0), (operation.BoundSeconds(machine), (operation with { Flops = 500 }).BoundSeconds(machine)));
    }
}
