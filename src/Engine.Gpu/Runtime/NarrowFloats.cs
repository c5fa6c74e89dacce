using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// 16-bit floats as bits, by shifts and one product: every device has these, while half-precision types are an extension
/// that OpenCL on many processors lacks.
/// </summary>
static class NarrowFloats
{
    // A float16's exponent has a bias of 15, a float32's one of 127: shifted into place, the value is short by 2^112.
    const float HalfBias = 5.192296858534828e33f;                        // 2^112

    public static float FromBrain(ushort bits) => Interop.IntAsFloat((uint)bits << 16);

    /// <summary>Nearest, ties to even; a NaN stays a (quiet) NaN.</summary>
    public static ushort ToBrain(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        uint rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
        return (ushort)((bits & 0x7FFFFFFFu) > 0x7F800000u ? (bits >> 16) | 0x40u : rounded);
    }

    public static float FromHalf(ushort bits)
    {
        uint magnitude = bits & 0x7FFFu;
        uint sign = ((uint)bits & 0x8000u) << 16;
        float finite = Interop.IntAsFloat(magnitude << 13) * HalfBias;
        uint special = 0x7F800000u | (magnitude << 13);                  // infinity, or NaN with its payload
        return Interop.IntAsFloat(sign | (magnitude >= 0x7C00u ? special : Interop.FloatAsInt(finite)));
    }

    /// <summary>Nearest, ties to even; above 65,519 infinity; a NaN stays a (quiet) NaN.</summary>
    public static ushort ToHalf(float value)
    {
        uint bits = Interop.FloatAsInt(value);
        uint sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7FFFFFFFu;

        // Below 2^-14 a float16 is a multiple of 2^-24: added to 0.5, whose last place that is, the adder rounds.
        float small = Interop.IntAsFloat(magnitude) + 0.5f;
        uint subnormal = Interop.FloatAsInt(small) - 0x3F000000u;
        uint normal = (magnitude + 0xFFFu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
        uint result = magnitude < 0x38800000u ? subnormal : normal;
        result = magnitude >= 0x477FF000u ? 0x7C00u : result;            // rounds to 2^16 or more
        result = magnitude > 0x7F800000u ? 0x7E00u : result;
        return (ushort)(sign | result);
    }
}
