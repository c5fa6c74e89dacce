using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>A launch written once for all element types that kernels compute with.</summary>
interface IElementLaunch
{
    /// <summary>The launch for one element type.</summary>
    void Run<TElement, TWord, TLane>()
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>;
}

/// <summary>A launch written once for elements of 1, 2, 4 and 8 bytes that are moved, not computed with.</summary>
interface IBitsLaunch
{
    /// <summary>The launch for one size.</summary>
    void Run<TWord>() where TWord : unmanaged;
}

/// <summary>Picks the element type.</summary>
static class ElementTypes
{
    /// <summary>Runs a launch for a floating-point type.</summary>
    /// <exception cref="ShapeException">The type is no float.</exception>
    public static void Run<TLaunch>(DType type, TLaunch launch) where TLaunch : struct, IElementLaunch
    {
        switch (type)
        {
            case DType.Float32: launch.Run<Single32, float, Scalar32>(); break;
            case DType.Float64: launch.Run<Double64, double, Scalar64>(); break;
            case DType.BFloat16: launch.Run<Brain16, ushort, Scalar32>(); break;
            case DType.Float16: launch.Run<Half16, ushort, Scalar32>(); break;
            default: throw new ShapeException($"Arithmetic runs on floating-point tensors, not {type}; convert with To(DType).");
        }
    }

    /// <summary>Runs a launch for elements of a type's size.</summary>
    public static void RunBits<TLaunch>(DType type, TLaunch launch) where TLaunch : struct, IBitsLaunch
    {
        switch (type.Size())
        {
            case 8: launch.Run<long>(); break;
            case 4: launch.Run<int>(); break;
            case 2: launch.Run<short>(); break;
            default: launch.Run<byte>(); break;
        }
    }
}
