using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Engine.Tensors;

/// <summary>128 bits of floats or doubles in one register: SSE2, Neon.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly unsafe struct Lane128<T> : IVectorLane<Lane128<T>, T> where T : unmanaged
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The register.</summary>
    public readonly Vector128<T> Value;

    /// <summary>Wraps a register.</summary>
    [MethodImpl(Inline)]
    public Lane128(Vector128<T> value) => Value = value;

    /// <inheritdoc/>
    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector128<T>.Count;
    }

    static bool IsSingle
    {
        [MethodImpl(Inline)]
        get => typeof(T) == typeof(float);
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> operator +(Lane128<T> a, Lane128<T> b) => new(a.Value + b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> operator -(Lane128<T> a, Lane128<T> b) => new(a.Value - b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> operator *(Lane128<T> a, Lane128<T> b) => new(a.Value * b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> operator /(Lane128<T> a, Lane128<T> b) => new(a.Value / b.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> operator -(Lane128<T> a) => new(-a.Value);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Of(double value) =>
        IsSingle ? new(Vector128.Create((float)value).As<float, T>()) : new(Vector128.Create(value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Of(float value) =>
        IsSingle ? new(Vector128.Create(value).As<float, T>()) : new(Vector128.Create((double)value).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> MulAdd(Lane128<T> a, Lane128<T> b, Lane128<T> c) => IsSingle
        ? new(Vector128.MultiplyAddEstimate(a.Value.AsSingle(), b.Value.AsSingle(), c.Value.AsSingle()).As<float, T>())
        : new(Vector128.MultiplyAddEstimate(a.Value.AsDouble(), b.Value.AsDouble(), c.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Min(Lane128<T> a, Lane128<T> b) => new(Vector128.MinNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Max(Lane128<T> a, Lane128<T> b) => new(Vector128.MaxNative(a.Value, b.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Abs(Lane128<T> x) => new(Vector128.Abs(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Sqrt(Lane128<T> x) => new(Vector128.Sqrt(x.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Floor(Lane128<T> x) => IsSingle
        ? new(Vector128.Floor(x.Value.AsSingle()).As<float, T>())
        : new(Vector128.Floor(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Exp(Lane128<T> x) => IsSingle
        ? VectorMath.ExpSingle<Lane128<T>, T>(x)
        : new(Vector128.Exp(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Log(Lane128<T> x) => IsSingle
        ? new(Vector128.Log(x.Value.AsSingle()).As<float, T>())
        : new(Vector128.Log(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Sin(Lane128<T> x) => IsSingle
        ? new(Vector128.Sin(x.Value.AsSingle()).As<float, T>())
        : new(Vector128.Sin(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Cos(Lane128<T> x) => IsSingle
        ? new(Vector128.Cos(x.Value.AsSingle()).As<float, T>())
        : new(Vector128.Cos(x.Value.AsDouble()).As<double, T>());

    /// <inheritdoc/>
    public static Lane128<T> Pow(Lane128<T> x, Lane128<T> y)
    {
        // No vector instruction helps here, and exponents other than the common ones are rare.
        Vector128<T> result = x.Value;
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
    public static Lane128<T> Erf(Lane128<T> x) => IsSingle ? ErrorFunction.Single(x) : ErfDouble(x);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> IfGreater(Lane128<T> a, Lane128<T> b, Lane128<T> then, Lane128<T> otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.GreaterThan(a.Value, b.Value), then.Value, otherwise.Value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Broadcast(T value) => new(Vector128.Create(value));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Load(T* source) => new(Vector128.Load(source));

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> LoadBrain(ushort* source) => IsSingle
        ? new(Widening.Brain128(source).As<float, T>())
        : new(Vector128.Create((double)Widening.Brain(source[0]), Widening.Brain(source[1])).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> LoadHalf(ushort* source) => IsSingle
        ? new(Widening.Half128(source).As<float, T>())
        : new(Vector128.Create((double)Widening.Half(source[0]), Widening.Half(source[1])).As<double, T>());

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static void Store(Lane128<T> value, T* target) => Vector128.Store(value.Value, target);

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static T Sum(Lane128<T> value) => Vector128.Sum(value.Value);

    /// <inheritdoc/>
    public static T Largest(Lane128<T> value)
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
    public static Lane128<T> Scale(Lane128<T> value, Lane128<T> exponent)
    {
        // 2^n is the bit pattern (n + bias) shifted into the exponent field.
        if (IsSingle)
        {
            Vector128<int> power = (Vector128.ConvertToInt32Native(exponent.Value.AsSingle()) + Vector128.Create(127)) << 23;
            return new(value.Value * power.As<int, T>());
        }

        Vector128<long> wide = (Vector128.ConvertToInt64Native(exponent.Value.AsDouble()) + Vector128.Create(1023L)) << 52;
        return new(value.Value * wide.As<long, T>());
    }

    /// <inheritdoc/>
    [MethodImpl(Inline)]
    public static Lane128<T> Round(Lane128<T> value) => IsSingle
        ? new(Vector128.Round(value.Value.AsSingle()).As<float, T>())
        : new(Vector128.Round(value.Value.AsDouble()).As<double, T>());

    static Lane128<T> ErfDouble(Lane128<T> x)
    {
        Vector128<double> result = x.Value.AsDouble();
        for (int i = 0; i < Vector128<double>.Count; i++)
            result = result.WithElement(i, ErrorFunction.Double(result[i]));
        return new(result.As<double, T>());
    }
}
