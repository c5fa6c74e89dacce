using Engine.Tensors;
using Engine.Testing;

namespace Engine.Gpu.Tests;

/// <summary>One operation on the CPU and on the device, twice: the results agree, and the device's bits repeat.</summary>
static class RowsOnDevice
{
    static readonly Lazy<(Device? Device, string? Absent)> Found = new(() =>
    {
        try
        {
            string? named = Environment.GetEnvironmentVariable("ENGINE_TEST_DEVICES")?.Split(',')[0].Trim();
            return (GpuDevices.Select(string.IsNullOrEmpty(named) || named == "cpu" ? "opencl" : named), null);
        }
        catch (DeviceException absent)
        {
            return (null, absent.Message);
        }
    });

    /// <summary>The first that ENGINE_TEST_DEVICES names, else opencl; the test is skipped where there is none.</summary>
    public static Device Device
    {
        get
        {
            Assert.SkipWhen(Found.Value.Absent is not null, Found.Value.Absent ?? "");
            return Found.Value.Device!;
        }
    }

    /// <summary>Numbers between -spread and spread on the CPU, the same for the same seed.</summary>
    public static Tensor Draw(Shape shape, int seed = 1, double spread = 2, DType dtype = DType.Float32)
    {
        Random random = new(seed);
        double[] values = new double[shape.ElementCount];
        for (int i = 0; i < values.Length; i++) values[i] = spread * (2 * random.NextDouble() - 1);
        return Tensor.From(values, shape).To(dtype);
    }

    /// <summary>Places 0 .. extent - 1 on the CPU.</summary>
    public static Tensor Places(Shape shape, int extent, int seed = 1)
    {
        Random random = new(seed);
        int[] places = new int[shape.ElementCount];
        for (int i = 0; i < places.Length; i++) places[i] = random.Next(extent);
        return Tensor.From(places, shape);
    }

    /// <summary>Runs an operation on both devices; it brings its operands there with the function it is given, and makes views after that.</summary>
    public static void Agrees(Func<Func<Tensor, Tensor>, Tensor[]> operation, double relative, double absolute, string what)
    {
        Tensor[] reference = operation(tensor => tensor), ours = operation(tensor => tensor.To(Device)), again = operation(tensor => tensor.To(Device));
        for (int i = 0; i < reference.Length; i++)
        {
            TensorAssert.Close(ours[i], reference[i], relative, absolute, $"{what}, result {i}");
            TensorAssert.SameBits(again[i], ours[i], $"{what}, result {i} the second time");
        }
    }

    /// <summary>As <see cref="Agrees"/>, to the bit.</summary>
    public static void AgreesExactly(Func<Func<Tensor, Tensor>, Tensor[]> operation, string what)
    {
        Tensor[] reference = operation(tensor => tensor), ours = operation(tensor => tensor.To(Device));
        for (int i = 0; i < reference.Length; i++) TensorAssert.SameBits(ours[i], reference[i], $"{what}, result {i}");
    }
}
