using System.Diagnostics;
using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>What <see cref="DeviceCheck"/> found of one operation.</summary>
/// <param name="Operation">What was computed.</param>
/// <param name="Error">The largest difference from the CPU, relative to the largest result; NaN if it failed.</param>
/// <param name="Milliseconds">The first run, the compiling of its kernels included.</param>
/// <param name="Problem">What went wrong, or null.</param>
public sealed record DeviceCheckLine(string Operation, double Error, double Milliseconds, string? Problem)
{
    /// <summary>float32 sums in another order differ by less than this.</summary>
    public const double Tolerance = 1e-4;

    /// <summary>True if the device computed what the CPU computes.</summary>
    public bool IsRight => Problem is null && Error <= Tolerance;
}

/// <summary>A few operations of every family, on a device and on the CPU: what to send to us when a card is new.</summary>
public static class DeviceCheck
{
    static readonly (string Name, Func<Device, Tensor> Compute)[] Operations =
    [
        ("exact GELU", device => Elementwise.Map<Gelu>(Draw(device, 1, 33, 65))),
        ("transposed copy", device => Draw(device, 2, 65, 33).Transpose().Contiguous()),
        ("bfloat16 and back", device => Draw(device, 3, 100).To(DType.BFloat16).To(DType.Float32)),
        ("sum of all", device => Reduction.Sum(Draw(device, 4, 70, 300))),
        ("softmax", device => Normalization.Softmax(Draw(device, 5, 7, 501))),
        ("layer norm", device => Normalization.LayerNorm(Draw(device, 6, 9, 192), null, null).Y),
        ("matrix product", device => Matrices.MatMul(Draw(device, 7, 100, 130), Draw(device, 8, 130, 90))),
        ("attention", device => Attention.Forward(Draw(device, 9, 2, 3, 50, 32), Draw(device, 10, 2, 3, 50, 32), Draw(device, 11, 2, 3, 50, 32)).Y),
        ("largest of a row", device => Reduction.ArgMax(Draw(device, 12, 20, 40)).To(DType.Float32)),
    ];

    /// <summary>Runs the operations; a failure of one is a line, not an exception.</summary>
    public static IEnumerable<DeviceCheckLine> Run(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        foreach ((string name, Func<Device, Tensor> compute) in Operations) yield return Compare(name, compute, device);
    }

    /// <summary>How many kernels the device has loaded in this process, and what that took, its compiler's share included.</summary>
    public static (int Count, TimeSpan Time) LoadedKernels(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Backend is GpuBackend gpu ? gpu.Runtime.Loaded : default;
    }

    static DeviceCheckLine Compare(string name, Func<Device, Tensor> compute, Device device)
    {
        using StepScope scope = StepScope.Begin();
        long start = Stopwatch.GetTimestamp();
        try
        {
            float[] ours = compute(device).ToArray<float>();
            double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            float[] right = compute(Device.Parse("cpu")).ToArray<float>();
            double scale = 1e-30, error = 0;
            for (int i = 0; i < right.Length; i++)
            {
                scale = Math.Max(scale, Math.Abs(right[i]));
                double difference = Math.Abs((double)ours[i] - right[i]);
                error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
            }

            return new(name, error / scale, milliseconds, null);
        }
        catch (Exception failure) when (failure is DeviceException or ShapeException)
        {
            return new(name, double.NaN, Stopwatch.GetElapsedTime(start).TotalMilliseconds, failure.Message.Split('\n')[0]);
        }
    }

    // The same numbers on every device: drawn on the CPU.
    static Tensor Draw(Device device, ulong seed, params ReadOnlySpan<int> shape) =>
        RandomNumbers.Normal(Shape.Create(shape), new Philox(seed), device: Device.Parse("cpu")).To(device);
}
