namespace Engine.Gpu;

/// <summary>From one element type to another.</summary>
interface IConversion<TFrom, TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    static abstract TTo Convert(TFrom word);
}

/// <summary>
/// A word in memory and its value in the three types that conversions go through: float32 between floats up to that
/// size, float64 where one side has it, int64 between integers. Floats round to nearest even, integers cut toward zero and
/// saturate, NaN is 0.
/// </summary>
interface IStoredWord<TWord> where TWord : unmanaged
{
    static abstract float ToSingle(TWord word);

    static abstract double ToDouble(TWord word);

    static abstract long ToLong(TWord word);

    static abstract TWord From(float value);

    static abstract TWord From(double value);

    static abstract TWord From(long value);
}

/// <summary>Through float32.</summary>
readonly struct ThroughSingle<TSource, TTarget, TFrom, TTo> : IConversion<TFrom, TTo>
    where TSource : struct, IStoredWord<TFrom>
    where TTarget : struct, IStoredWord<TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public static TTo Convert(TFrom word) => TTarget.From(TSource.ToSingle(word));
}

/// <summary>Through float64.</summary>
readonly struct ThroughDouble<TSource, TTarget, TFrom, TTo> : IConversion<TFrom, TTo>
    where TSource : struct, IStoredWord<TFrom>
    where TTarget : struct, IStoredWord<TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public static TTo Convert(TFrom word) => TTarget.From(TSource.ToDouble(word));
}

/// <summary>Through int64.</summary>
readonly struct ThroughLong<TSource, TTarget, TFrom, TTo> : IConversion<TFrom, TTo>
    where TSource : struct, IStoredWord<TFrom>
    where TTarget : struct, IStoredWord<TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public static TTo Convert(TFrom word) => TTarget.From(TSource.ToLong(word));
}

readonly struct SingleWord : IStoredWord<float>
{
    public static float ToSingle(float word) => word;
    public static double ToDouble(float word) => word;
    public static long ToLong(float word) => Saturation.ToLong(word);
    public static float From(float value) => value;
    public static float From(double value) => (float)value;
    public static float From(long value) => value;
}

readonly struct DoubleWord : IStoredWord<double>
{
    public static float ToSingle(double word) => (float)word;
    public static double ToDouble(double word) => word;
    public static long ToLong(double word) => Saturation.ToLong(word);
    public static double From(float value) => value;
    public static double From(double value) => value;
    public static double From(long value) => value;
}

readonly struct BrainWord : IStoredWord<ushort>
{
    public static float ToSingle(ushort word) => NarrowFloats.FromBrain(word);
    public static double ToDouble(ushort word) => NarrowFloats.FromBrain(word);
    public static long ToLong(ushort word) => Saturation.ToLong(NarrowFloats.FromBrain(word));
    public static ushort From(float value) => NarrowFloats.ToBrain(value);
    public static ushort From(double value) => NarrowFloats.ToBrain(Saturation.OddSingle(value));
    public static ushort From(long value) => NarrowFloats.ToBrain(Saturation.OddSingle(value));
}

readonly struct HalfWord : IStoredWord<ushort>
{
    public static float ToSingle(ushort word) => NarrowFloats.FromHalf(word);
    public static double ToDouble(ushort word) => NarrowFloats.FromHalf(word);
    public static long ToLong(ushort word) => Saturation.ToLong(NarrowFloats.FromHalf(word));
    public static ushort From(float value) => NarrowFloats.ToHalf(value);
    public static ushort From(double value) => NarrowFloats.ToHalf(Saturation.OddSingle(value));
    public static ushort From(long value) => NarrowFloats.ToHalf(Saturation.OddSingle(value));
}

readonly struct LongWord : IStoredWord<long>
{
    public static float ToSingle(long word) => word;
    public static double ToDouble(long word) => word;
    public static long ToLong(long word) => word;
    public static long From(float value) => Saturation.ToLong(value);
    public static long From(double value) => Saturation.ToLong(value);
    public static long From(long value) => value;
}

readonly struct IntWord : IStoredWord<int>
{
    public static float ToSingle(int word) => word;
    public static double ToDouble(int word) => word;
    public static long ToLong(int word) => word;
    public static int From(float value) => From(Saturation.ToLong(value));
    public static int From(double value) => From(Saturation.ToLong(value));
    public static int From(long value) => (int)(value > int.MaxValue ? int.MaxValue : value < int.MinValue ? int.MinValue : value);
}

readonly struct BoolWord : IStoredWord<byte>
{
    public static float ToSingle(byte word) => word;
    public static double ToDouble(byte word) => word;
    public static long ToLong(byte word) => word;
    public static byte From(float value) => (byte)(value != 0 ? 1 : 0);
    public static byte From(double value) => (byte)(value != 0 ? 1 : 0);
    public static byte From(long value) => (byte)(value != 0 ? 1 : 0);
}

/// <summary>What the devices leave open.</summary>
static class Saturation
{
    const float Above = 9.223372036854775807e18f;                        // 2^63: the first value that does not fit

    /// <summary>Cut toward zero; out of range the nearest, NaN 0.</summary>
    public static long ToLong(float value)
    {
        if (float.IsNaN(value)) return 0;
        if (value >= Above) return long.MaxValue;
        return value <= -Above ? long.MinValue : (long)value;
    }

    /// <inheritdoc cref="ToLong(float)"/>
    public static long ToLong(double value)
    {
        if (double.IsNaN(value)) return 0;
        if (value >= Above) return long.MaxValue;
        return value <= -(double)Above ? long.MinValue : (long)value;
    }

    /// <summary>
    /// A float32 that rounds to the same 16 bits as the double: where the double lies between two floats the one whose last
    /// bit is odd (rounding to odd), which no later tie can mistake.
    /// </summary>
    public static float OddSingle(double value)
    {
        float nearest = (float)value;
        double error = value - nearest;
        uint bits = ILGPU.Interop.FloatAsInt(nearest);
        if (error == 0 || double.IsNaN(error) || (bits & 1u) != 0) return nearest;

        // The neighbour on the other side of the double is one step away in magnitude.
        bool outward = (error > 0) == (nearest > 0);
        if (nearest == 0) return value > 0 ? float.Epsilon : -float.Epsilon;
        return ILGPU.Interop.IntAsFloat(outward ? bits + 1u : bits - 1u);
    }
}
