using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Engine.Tensors;

/// <summary>
/// From 16 bits to 32, exactly: a bfloat16 is the upper half of a float32; a float16 has its exponent and fraction moved.
/// .NET has no instruction set for float16 conversion (F16C), so that is integer arithmetic here. Any alignment.
/// </summary>
static unsafe class Widening
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    // Shifted into a float32's places, a float16's exponent lacks the difference of the biases, 127 - 15. A multiplication makes
    // it up, for subnormals too. Bits 30 to 28, where the widened sign has spread, are masked out.
    const float Rebias = 5.192296858534828e33f;                          // 2^112
    const uint Places = 0x8FFFE000;

    // Infinities and NaN come out at 2^16 and above, where no finite float16 is, and take the exponent of all ones.
    const float Infinite = 65536;
    const uint AllOnes = 0x7F800000;

    [MethodImpl(Inline)]
    public static float Brain(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    [MethodImpl(Inline)]
    public static float Half(ushort bits) => (float)BitConverter.UInt16BitsToHalf(bits);

    [MethodImpl(Inline)]
    public static Vector128<float> Brain128(ushort* source) => (Bits128(source) << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> Brain256(ushort* source) => (Bits256(source) << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> Brain512(ushort* source) => (Bits512(source) << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> Half128(ushort* source)
    {
        Vector128<uint> places = (Signed128(source) << 13).AsUInt32() & Vector128.Create(Places);
        Vector128<float> value = places.AsSingle() * Vector128.Create(Rebias);
        Vector128<uint> special = Vector128.GreaterThanOrEqual(Vector128.Abs(value), Vector128.Create(Infinite)).AsUInt32();
        return (value.AsUInt32() | (special & Vector128.Create(AllOnes))).AsSingle();
    }

    [MethodImpl(Inline)]
    public static Vector256<float> Half256(ushort* source)
    {
        Vector256<uint> places = (Signed256(source) << 13).AsUInt32() & Vector256.Create(Places);
        Vector256<float> value = places.AsSingle() * Vector256.Create(Rebias);
        Vector256<uint> special = Vector256.GreaterThanOrEqual(Vector256.Abs(value), Vector256.Create(Infinite)).AsUInt32();
        return (value.AsUInt32() | (special & Vector256.Create(AllOnes))).AsSingle();
    }

    [MethodImpl(Inline)]
    public static Vector512<float> Half512(ushort* source) => Vector512.Create(Half256(source), Half256(source + 8));

    [MethodImpl(Inline)]
    static Vector128<uint> Bits128(ushort* source) => Vector128.WidenLower(Vector64.Load(source).ToVector128Unsafe());

    [MethodImpl(Inline)]
    static Vector256<uint> Bits256(ushort* source) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32(source).AsUInt32()
        : Vector256.Create(Bits128(source), Bits128(source + 4));

    [MethodImpl(Inline)]
    static Vector128<int> Signed128(ushort* source) => Vector128.WidenLower(Vector64.Load(source).ToVector128Unsafe().AsInt16());

    [MethodImpl(Inline)]
    static Vector256<int> Signed256(ushort* source) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32((short*)source)
        : Vector256.Create(Signed128(source), Signed128(source + 4));

    [MethodImpl(Inline)]
    static Vector512<uint> Bits512(ushort* source) => Avx512F.IsSupported
        ? Avx512F.ConvertToVector512UInt32(Vector256.Load(source))
        : Vector512.Create(Bits256(source), Bits256(source + 8));
}
