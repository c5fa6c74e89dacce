namespace Engine.Gpu;

/// <summary>How exact float32 arithmetic on GPUs is.</summary>
public static class GpuPrecision
{
    /// <summary>
    /// Lets products of float32 matrices run on NVIDIA's tensor cores, which round their operands to TF32: ten binary digits instead
    /// of 23, the same range, sums in float32. Off unless asked for.
    /// </summary>
    public static bool TensorFloat32 { get; set; }
}
