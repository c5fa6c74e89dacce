using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Engine.Tensors;

/// <summary>256 bits of floats or doubles in one register: AVX2.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly unsafe struct Lane256<T> : IVectorLane<Lane256<T>, T> where T : unmanaged
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The register.</summary>
    public readonly Vector256<T> Value;

    /// <summary>Wraps a register.</summary>
    [MethodImpl(Inline)]
    public Lane256(Vector256<T> value) => Value = value;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector256<T>.Count;
    }

    static bool IsSingle
    {
        [MethodImpl(Inline)]
        get => typeof(T) == typeof(float);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> operator +(Lane256<T> a, Lane256<T> b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> operator -(Lane256<T> a, Lane256<T> b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> operator *(Lane256<T> a, Lane256<T> b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> operator /(Lane256<T> a, Lane256<T> b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> operator -(Lane256<T> a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Of(double value) =>
        IsSingle ? new(Vector256.Create((float)value).As<float, T>()) : new(Vector256.Create(value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Of(float value) =>
        IsSingle ? new(Vector256.Create(value).As<float, T>()) : new(Vector256.Create((double)value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> MulAdd(Lane256<T> a, Lane256<T> b, Lane256<T> c) => IsSingle
        ? new(Vector256.MultiplyAddEstimate(a.Value.AsSingle(), b.Value.AsSingle(), c.Value.AsSingle()).As<float, T>())
        : new(Vector256.MultiplyAddEstimate(a.Value.AsDouble(), b.Value.AsDouble(), c.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Min(Lane256<T> a, Lane256<T> b) => new(Vector256.MinNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Max(Lane256<T> a, Lane256<T> b) => new(Vector256.MaxNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Abs(Lane256<T> x) => new(Vector256.Abs(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Sqrt(Lane256<T> x) => new(Vector256.Sqrt(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Floor(Lane256<T> x) => IsSingle
        ? new(Vector256.Floor(x.Value.AsSingle()).As<float, T>())
        : new(Vector256.Floor(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Exp(Lane256<T> x) => IsSingle
        ? VectorMath.ExpSingle<Lane256<T>, T>(x)
        : new(Vector256.Exp(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Log(Lane256<T> x) => IsSingle
        ? new(Vector256.Log(x.Value.AsSingle()).As<float, T>())
        : new(Vector256.Log(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Sin(Lane256<T> x) => IsSingle
        ? new(Vector256.Sin(x.Value.AsSingle()).As<float, T>())
        : new(Vector256.Sin(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Cos(Lane256<T> x) => IsSingle
        ? new(Vector256.Cos(x.Value.AsSingle()).As<float, T>())
        : new(Vector256.Cos(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    public static Lane256<T> Pow(Lane256<T> x, Lane256<T> y)
    {
        // No vector instruction helps here, and exponents other than the common ones are rare.
        Vector256<T> result = x.Value;
        for (int i = 0; i < Count; i++)
        {
            result = IsSingle
                ? result.WithElement(i, (T)(object)MathF.Pow((float)(object)x.Value[i], (float)(object)y.Value[i]))
                : result.WithElement(i, (T)(object)Math.Pow((double)(object)x.Value[i], (double)(object)y.Value[i]));
        }

        return new(result);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Erf(Lane256<T> x) => IsSingle ? ErrorFunction.Single(x) : ErfDouble(x);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> IfGreater(Lane256<T> a, Lane256<T> b, Lane256<T> then, Lane256<T> otherwise) =>
        new(Vector256.ConditionalSelect(Vector256.GreaterThan(a.Value, b.Value), then.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Broadcast(T value) => new(Vector256.Create(value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Load(T* source) => new(Vector256.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> LoadBrain(ushort* source) => IsSingle
        ? new(Widening.Brain256(source).As<float, T>())
        : new(Vector256.Create(Vector128.WidenLower(Widening.Brain128(source)), Vector128.WidenUpper(Widening.Brain128(source))).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> LoadHalf(ushort* source) => IsSingle
        ? new(Widening.Half256(source).As<float, T>())
        : new(Vector256.Create(Vector128.WidenLower(Widening.Half128(source)), Vector128.WidenUpper(Widening.Half128(source))).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(Lane256<T> value, T* target) => Vector256.Store(value.Value, target);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static T Sum(Lane256<T> value) => Vector256.Sum(value.Value);

    /// <inheritdoc/>
    public static T Largest(Lane256<T> value)
    {
        T* lanes = stackalloc T[Count];
        Store(value, lanes);
        T largest = lanes[0];
        for (int i = 1; i < Count; i++)
            if (Comparer<T>.Default.Compare(lanes[i], largest) > 0) largest = lanes[i];
        return largest;
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Scale(Lane256<T> value, Lane256<T> exponent)
    {
        // 2^n is the bit pattern (n + bias) shifted into the exponent field.
        if (IsSingle)
        {
            Vector256<int> power = (Vector256.ConvertToInt32Native(exponent.Value.AsSingle()) + Vector256.Create(127)) << 23;
            return new(value.Value * power.As<int, T>());
        }

        Vector256<long> wide = (Vector256.ConvertToInt64Native(exponent.Value.AsDouble()) + Vector256.Create(1023L)) << 52;
        return new(value.Value * wide.As<long, T>());
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane256<T> Round(Lane256<T> value) => IsSingle
        ? new(Vector256.Round(value.Value.AsSingle()).As<float, T>())
        : new(Vector256.Round(value.Value.AsDouble()).As<double, T>());

    static Lane256<T> ErfDouble(Lane256<T> x)
    {
        Vector256<double> result = x.Value.AsDouble();
        for (int i = 0; i < Vector256<double>.Count; i++)
            result = result.WithElement(i, ErrorFunction.Double(result[i]));
        return new(result.As<double, T>());
    }
}
