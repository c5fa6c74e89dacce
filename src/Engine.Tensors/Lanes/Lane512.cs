using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Engine.Tensors;

/// <summary>512 bits of floats or doubles in one register: AVX-512.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly unsafe struct Lane512<T> : IVectorLane<Lane512<T>, T> where T : unmanaged
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The register.</summary>
    public readonly Vector512<T> Value;

    /// <summary>Wraps a register.</summary>
    [MethodImpl(Inline)]
    public Lane512(Vector512<T> value) => Value = value;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector512<T>.Count;
    }

    static bool IsSingle
    {
        [MethodImpl(Inline)]
        get => typeof(T) == typeof(float);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> operator +(Lane512<T> a, Lane512<T> b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> operator -(Lane512<T> a, Lane512<T> b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> operator *(Lane512<T> a, Lane512<T> b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> operator /(Lane512<T> a, Lane512<T> b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> operator -(Lane512<T> a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Of(double value) =>
        IsSingle ? new(Vector512.Create((float)value).As<float, T>()) : new(Vector512.Create(value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Of(float value) =>
        IsSingle ? new(Vector512.Create(value).As<float, T>()) : new(Vector512.Create((double)value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> MulAdd(Lane512<T> a, Lane512<T> b, Lane512<T> c) => IsSingle
        ? new(Vector512.MultiplyAddEstimate(a.Value.AsSingle(), b.Value.AsSingle(), c.Value.AsSingle()).As<float, T>())
        : new(Vector512.MultiplyAddEstimate(a.Value.AsDouble(), b.Value.AsDouble(), c.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Min(Lane512<T> a, Lane512<T> b) => new(Vector512.MinNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Max(Lane512<T> a, Lane512<T> b) => new(Vector512.MaxNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Abs(Lane512<T> x) => new(Vector512.Abs(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Sqrt(Lane512<T> x) => new(Vector512.Sqrt(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Floor(Lane512<T> x) => IsSingle
        ? new(Vector512.Floor(x.Value.AsSingle()).As<float, T>())
        : new(Vector512.Floor(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Exp(Lane512<T> x) => IsSingle
        ? VectorMath.ExpSingle<Lane512<T>, T>(x)
        : new(Vector512.Exp(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Log(Lane512<T> x) => IsSingle
        ? new(Vector512.Log(x.Value.AsSingle()).As<float, T>())
        : new(Vector512.Log(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Sin(Lane512<T> x) => IsSingle
        ? new(Vector512.Sin(x.Value.AsSingle()).As<float, T>())
        : new(Vector512.Sin(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Cos(Lane512<T> x) => IsSingle
        ? new(Vector512.Cos(x.Value.AsSingle()).As<float, T>())
        : new(Vector512.Cos(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    public static Lane512<T> Pow(Lane512<T> x, Lane512<T> y)
    {
        // No vector instruction helps here, and exponents other than the common ones are rare.
        Vector512<T> result = x.Value;
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
    public static Lane512<T> Erf(Lane512<T> x) => IsSingle ? ErrorFunction.Single(x) : ErfDouble(x);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> IfGreater(Lane512<T> a, Lane512<T> b, Lane512<T> then, Lane512<T> otherwise) =>
        new(Vector512.ConditionalSelect(Vector512.GreaterThan(a.Value, b.Value), then.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Broadcast(T value) => new(Vector512.Create(value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Load(T* source) => new(Vector512.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> LoadBrain(ushort* source) => IsSingle
        ? new(Widening.Brain512(source).As<float, T>())
        : new(Vector512.Create(Vector256.WidenLower(Widening.Brain256(source)), Vector256.WidenUpper(Widening.Brain256(source))).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> LoadHalf(ushort* source) => IsSingle
        ? new(Widening.Half512(source).As<float, T>())
        : new(Vector512.Create(Vector256.WidenLower(Widening.Half256(source)), Vector256.WidenUpper(Widening.Half256(source))).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(Lane512<T> value, T* target) => Vector512.Store(value.Value, target);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static T Sum(Lane512<T> value) => Vector512.Sum(value.Value);

    /// <inheritdoc/>
    public static T Largest(Lane512<T> value)
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
    public static Lane512<T> Scale(Lane512<T> value, Lane512<T> exponent)
    {
        // 2^n is the bit pattern (n + bias) shifted into the exponent field.
        if (IsSingle)
        {
            Vector512<int> power = (Vector512.ConvertToInt32Native(exponent.Value.AsSingle()) + Vector512.Create(127)) << 23;
            return new(value.Value * power.As<int, T>());
        }

        Vector512<long> wide = (Vector512.ConvertToInt64Native(exponent.Value.AsDouble()) + Vector512.Create(1023L)) << 52;
        return new(value.Value * wide.As<long, T>());
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane512<T> Round(Lane512<T> value) => IsSingle
        ? new(Vector512.Round(value.Value.AsSingle()).As<float, T>())
        : new(Vector512.Round(value.Value.AsDouble()).As<double, T>());

    static Lane512<T> ErfDouble(Lane512<T> x)
    {
        Vector512<double> result = x.Value.AsDouble();
        for (int i = 0; i < Vector512<double>.Count; i++)
            result = result.WithElement(i, ErrorFunction.Double(result[i]));
        return new(result.As<double, T>());
    }
}
