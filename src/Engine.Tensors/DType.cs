namespace Engine.Tensors;

/// <summary>The type of a tensor's elements.</summary>
public enum DType : byte
{
    /// <summary>32-bit IEEE float: the working type.</summary>
    Float32,

    /// <summary>64-bit IEEE float: gradient checks, on the CPU and where a GPU has it.</summary>
    Float64,

    /// <summary>The upper half of a float32, in memory: operations widen it to float32 and round their results to nearest even.</summary>
    BFloat16,

    /// <summary>16-bit IEEE float, in memory, as bfloat16.</summary>
    Float16,

    /// <summary>64-bit signed integer: indices.</summary>
    Int64,

    /// <summary>32-bit signed integer: indices.</summary>
    Int32,

    /// <summary>One byte, 0 or 1: masks.</summary>
    Bool,
}

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.Float64 or DType.Int64 => 8,
        DType.Float32 or DType.Int32 => 4,
        DType.BFloat16 or DType.Float16 => 2,
        _ => 1,
    };

    /// <summary>True for float32 and float64: what parameters are trained in, and what losses are computed in.</summary>
    public static bool IsArithmetic(this DType type) => type is DType.Float32 or DType.Float64;

    /// <summary>True for bfloat16 and float16, whose arithmetic runs in float32.</summary>
    public static bool IsNarrow(this DType type) => type is DType.BFloat16 or DType.Float16;

    /// <summary>The type that sums over such elements, and statistics of them, come in: float32 for 16 bits, the type itself for others.</summary>
    public static DType Accumulated(this DType type) => type.IsNarrow() ? DType.Float32 : type;

    /// <summary>True for float32, float64, bfloat16 and float16.</summary>
    public static bool IsFloating(this DType type) => type <= DType.Float16;

    /// <summary>True for int32 and int64.</summary>
    public static bool IsIndex(this DType type) => type is DType.Int64 or DType.Int32;

    /// <summary>The element type that a .NET type stands for: ushort is bfloat16's 16 bits, Half is float16.</summary>
    /// <exception cref="ShapeException">The type has no counterpart.</exception>
    public static DType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.Float32
        : typeof(T) == typeof(double) ? DType.Float64
        : typeof(T) == typeof(ushort) ? DType.BFloat16
        : typeof(T) == typeof(Half) ? DType.Float16
        : typeof(T) == typeof(long) ? DType.Int64
        : typeof(T) == typeof(int) ? DType.Int32
        : typeof(T) == typeof(bool) || typeof(T) == typeof(byte) ? DType.Bool
        : throw new ShapeException($"No tensor holds elements of {typeof(T).Name}: use float, double, Half, ushort (bfloat16), long, int or bool.");
}
