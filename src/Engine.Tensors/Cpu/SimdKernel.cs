using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Engine.Tensors;

/// <summary>A kernel written once for all vector widths and for float and double.</summary>
interface ISimdKernel
{
    /// <summary>The kernel's body for one lane type.</summary>
    void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>;
}

/// <summary>Picks the widest vectors the processor has; the conditions are constants to the JIT.</summary>
static class Simd
{
    /// <summary>Runs a kernel for an arithmetic element type.</summary>
    /// <exception cref="ShapeException">The type is float16, bfloat16 or no float at all.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TKernel>(DType type, TKernel kernel) where TKernel : struct, ISimdKernel
    {
        if (type == DType.Float32)
        {
            if (Vector512.IsHardwareAccelerated) kernel.Run<Lane512<float>, float>();
            else if (Vector256.IsHardwareAccelerated) kernel.Run<Lane256<float>, float>();
            else if (Vector128.IsHardwareAccelerated) kernel.Run<Lane128<float>, float>();
            else kernel.Run<Scalar32, float>();
        }
        else if (type == DType.Float64)
        {
            if (Vector256.IsHardwareAccelerated) kernel.Run<Lane256<double>, double>();
            else if (Vector128.IsHardwareAccelerated) kernel.Run<Lane128<double>, double>();
            else kernel.Run<Scalar64, double>();
        }
        else
        {
            throw new ShapeException($"Arithmetic runs in Float32 or Float64, not {type}; convert with To(DType).");
        }
    }
}
