using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>Compares what a device computed with what the CPU computes.</summary>
static class Comparison
{
    /// <summary>Where all comparisons are computed.</summary>
    public static Device Cpu { get; } = Device.Parse("cpu");

    /// <summary>What is wrong, or null: the largest difference, relative to the largest element, is compared.</summary>
    public static string? Fault(string what, Tensor ours, Tensor right, double tolerance)
    {
        float[] mine = ours.To(Cpu).To(DType.Float32).ToArray<float>(), reference = right.ToArray<float>();
        double scale = 1e-30, error = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double difference = Math.Abs((double)mine[i] - reference[i]);
            error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
            scale = Math.Max(scale, Math.Abs(reference[i]));
        }

        return error <= tolerance * scale ? null : FormattableString.Invariant($"{what} differs from the CPU by {error / scale:E1} of its largest element");
    }

    /// <summary>A part of a tensor as float32 on the CPU.</summary>
    public static Tensor OnCpu(Tensor part) => part.To(Cpu).To(DType.Float32);

    /// <summary>What rounding to a type's digits may cost in a sum.</summary>
    public static double Tolerance(DType type) => type switch { DType.BFloat16 => 2e-2, DType.Float16 => 3e-3, _ => 1e-4 };

    /// <summary>A type's name as torch spells it.</summary>
    public static string Name(DType type) => type switch { DType.BFloat16 => "bfloat16", DType.Float16 => "float16", _ => "float32" };

    /// <summary>A type's name in a case's.</summary>
    public static string Short(DType type) => type switch { DType.BFloat16 => "bf16", DType.Float16 => "f16", _ => "f32" };
}
