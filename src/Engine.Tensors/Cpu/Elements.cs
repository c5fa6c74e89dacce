using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// An element type in memory and its way to and from the two types that hold all others exactly: integers go through
/// long, floats through double.
/// </summary>
interface IElement<TSelf> where TSelf : unmanaged, IElement<TSelf>
{
    /// <summary>True for integers and bool.</summary>
    static abstract bool IsInteger { get; }

    /// <summary>The value.</summary>
    static abstract double ToDouble(TSelf element);

    /// <summary>The value; floats are cut toward zero and saturate, NaN is 0.</summary>
    static abstract long ToLong(TSelf element);

    /// <summary>The nearest element, ties to even; integers cut toward zero and saturate.</summary>
    static abstract TSelf From(double value);

    /// <summary>The nearest element; smaller integers saturate.</summary>
    static abstract TSelf From(long value);
}

readonly struct SingleElement(float value) : IElement<SingleElement>
{
    readonly float value = value;
    public static bool IsInteger => false;
    public static double ToDouble(SingleElement element) => element.value;
    public static long ToLong(SingleElement element) => long.CreateSaturating(element.value);
    public static SingleElement From(double value) => new((float)value);
    public static SingleElement From(long value) => new(value);
}

readonly struct DoubleElement(double value) : IElement<DoubleElement>
{
    readonly double value = value;
    public static bool IsInteger => false;
    public static double ToDouble(DoubleElement element) => element.value;
    public static long ToLong(DoubleElement element) => long.CreateSaturating(element.value);
    public static DoubleElement From(double value) => new(value);
    public static DoubleElement From(long value) => new(value);
}

readonly struct HalfElement(Half value) : IElement<HalfElement>
{
    readonly Half value = value;
    public static bool IsInteger => false;
    public static double ToDouble(HalfElement element) => (double)element.value;
    public static long ToLong(HalfElement element) => long.CreateSaturating(element.value);
    public static HalfElement From(double value) => new((Half)value);
    public static HalfElement From(long value) => new((Half)value);
}

/// <summary>bfloat16: the upper 16 bits of a float.</summary>
readonly struct BrainElement(ushort bits) : IElement<BrainElement>
{
    readonly ushort bits = bits;
    public static bool IsInteger => false;
    public static double ToDouble(BrainElement element) => BitConverter.UInt32BitsToSingle((uint)element.bits << 16);
    public static long ToLong(BrainElement element) => long.CreateSaturating(ToDouble(element));
    public static BrainElement From(long value) => From((double)value);

    public static BrainElement From(double value)
    {
        float single = (float)value;
        uint raw = BitConverter.SingleToUInt32Bits(single);

        // Rounding twice errs where the first step lands on a tie of the second: then the exact value decides.
        if ((raw & 0xFFFF) == 0x8000 && single != value) raw += Math.Abs(value) > Math.Abs(single) ? 1u : uint.MaxValue;
        return new(Round(raw));
    }

    /// <summary>The bits of the nearest bfloat16, ties to even; NaN stays a (quiet) NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Round(uint single) => (single & 0x7FFFFFFF) > 0x7F800000
        ? (ushort)(single >> 16 | 0x40)
        : (ushort)((single + 0x7FFF + (single >> 16 & 1)) >> 16);
}

readonly struct LongElement(long value) : IElement<LongElement>
{
    readonly long value = value;
    public static bool IsInteger => true;
    public static double ToDouble(LongElement element) => element.value;
    public static long ToLong(LongElement element) => element.value;
    public static LongElement From(double value) => new(long.CreateSaturating(value));
    public static LongElement From(long value) => new(value);
}

readonly struct IntElement(int value) : IElement<IntElement>
{
    readonly int value = value;
    public static bool IsInteger => true;
    public static double ToDouble(IntElement element) => element.value;
    public static long ToLong(IntElement element) => element.value;
    public static IntElement From(double value) => new(int.CreateSaturating(value));
    public static IntElement From(long value) => new(int.CreateSaturating(value));
}

/// <summary>A byte that is 0 or 1; whatever is not 0, NaN included, becomes 1.</summary>
readonly struct BoolElement(byte value) : IElement<BoolElement>
{
    readonly byte value = value;
    public static bool IsInteger => true;
    public static double ToDouble(BoolElement element) => element.value;
    public static long ToLong(BoolElement element) => element.value;
    public static BoolElement From(double value) => new(value != 0 ? (byte)1 : (byte)0);
    public static BoolElement From(long value) => new(value != 0 ? (byte)1 : (byte)0);
}

/// <summary>A kernel over one element type.</summary>
interface IElementKernel
{
    void Run<TElement>() where TElement : unmanaged, IElement<TElement>;
}

/// <summary>A kernel over elements as bits of one size.</summary>
interface IBitsKernel
{
    void Run<TBits>() where TBits : unmanaged, System.Numerics.IBinaryInteger<TBits>;
}

/// <summary>From an element type at run time to a type parameter.</summary>
static class Elements
{
    public static void Run<TKernel>(DType type, TKernel kernel) where TKernel : struct, IElementKernel
    {
        switch (type)
        {
            case DType.Float32: kernel.Run<SingleElement>(); break;
            case DType.Float64: kernel.Run<DoubleElement>(); break;
            case DType.BFloat16: kernel.Run<BrainElement>(); break;
            case DType.Float16: kernel.Run<HalfElement>(); break;
            case DType.Int64: kernel.Run<LongElement>(); break;
            case DType.Int32: kernel.Run<IntElement>(); break;
            default: kernel.Run<BoolElement>(); break;
        }
    }

    /// <summary>By size alone: for kernels that move elements and do not look at them.</summary>
    public static void RunBits<TKernel>(DType type, TKernel kernel) where TKernel : struct, IBitsKernel
    {
        switch (type.Size())
        {
            case 1: kernel.Run<byte>(); break;
            case 2: kernel.Run<ushort>(); break;
            case 4: kernel.Run<uint>(); break;
            default: kernel.Run<ulong>(); break;
        }
    }
}
