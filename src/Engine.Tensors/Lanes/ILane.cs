namespace Engine.Tensors;

/// <summary>
/// What a formula may do with its operands. A formula is written once against this interface and then runs on one float
/// (a GPU thread), one double (gradient checks) and vectors of 4, 8 or 16 floats (the CPU): the compiler makes one body
/// for each. All members act lane by lane.
/// </summary>
/// <remarks>
/// The scalar implementations use nothing but plain <see cref="MathF"/> calls that ILGPU compiles for PTX and OpenCL.
/// A literal goes in through <see cref="Of(double)"/>, which folds to a float constant; run-time state of a functor is a
/// float and goes in through <see cref="Of(float)"/>, so that no 64-bit arithmetic reaches a device without it.
/// </remarks>
/// <typeparam name="T">The implementing type.</typeparam>
public interface ILane<T> where T : struct, ILane<T>
{
    /// <summary>Sum.</summary>
    static abstract T operator +(T a, T b);

    /// <summary>Difference.</summary>
    static abstract T operator -(T a, T b);

    /// <summary>Product.</summary>
    static abstract T operator *(T a, T b);

    /// <summary>Quotient.</summary>
    static abstract T operator /(T a, T b);

    /// <summary>Negation.</summary>
    static abstract T operator -(T a);

    /// <summary>The constant in every lane.</summary>
    static abstract T Of(double value);

    /// <summary>The run-time value in every lane.</summary>
    static abstract T Of(float value);

    /// <summary>a * b + c, fused where the hardware fuses.</summary>
    static abstract T MulAdd(T a, T b, T c);

    /// <summary>The smaller of both; which one comes back for a NaN is not defined.</summary>
    static abstract T Min(T a, T b);

    /// <summary>The larger of both; which one comes back for a NaN is not defined.</summary>
    static abstract T Max(T a, T b);

    /// <summary>Absolute value.</summary>
    static abstract T Abs(T x);

    /// <summary>Square root, correctly rounded.</summary>
    static abstract T Sqrt(T x);

    /// <summary>The largest integer not above x.</summary>
    static abstract T Floor(T x);

    /// <summary>e^x; 0 and infinity beyond the range. At most 2 ulp in float.</summary>
    static abstract T Exp(T x);

    /// <summary>Natural logarithm.</summary>
    static abstract T Log(T x);

    /// <summary>Sine, x in radians.</summary>
    static abstract T Sin(T x);

    /// <summary>Cosine, x in radians.</summary>
    static abstract T Cos(T x);

    /// <summary>x^y as <see cref="Math.Pow"/> defines it.</summary>
    static abstract T Pow(T x, T y);

    /// <summary>The error function. At most 2 ulp in float, absolute error 1e-15 in double.</summary>
    static abstract T Erf(T x);

    /// <summary><paramref name="then"/> where a &gt; b, else <paramref name="otherwise"/> (also where a or b is NaN).</summary>
    static abstract T IfGreater(T a, T b, T then, T otherwise);
}

/// <summary>An <see cref="ILane{T}"/> that a CPU loop can load, store and fold.</summary>
/// <typeparam name="TSelf">The implementing type.</typeparam>
/// <typeparam name="T">The element: float or double.</typeparam>
public unsafe interface IVectorLane<TSelf, T> : ILane<TSelf>
    where TSelf : struct, IVectorLane<TSelf, T>
    where T : unmanaged
{
    /// <summary>Lanes in one vector.</summary>
    static abstract int Count { get; }

    /// <summary>The element in every lane.</summary>
    static abstract TSelf Broadcast(T value);

    /// <summary>Reads <see cref="Count"/> elements, any alignment.</summary>
    static abstract TSelf Load(T* source);

    /// <summary>Reads <see cref="Count"/> bfloat16 numbers, widened exactly; any alignment.</summary>
    static abstract TSelf LoadBrain(ushort* source);

    /// <summary>Reads <see cref="Count"/> float16 numbers, widened exactly; any alignment.</summary>
    static abstract TSelf LoadHalf(ushort* source);

    /// <summary>Writes <see cref="Count"/> elements, any alignment.</summary>
    static abstract void Store(TSelf value, T* target);

    /// <summary>Sum over the lanes, in a fixed order.</summary>
    static abstract T Sum(TSelf value);

    /// <summary>Largest lane.</summary>
    static abstract T Largest(TSelf value);

    /// <summary>value * 2^exponent, where every lane of exponent holds a small integer and the result is normal.</summary>
    static abstract TSelf Scale(TSelf value, TSelf exponent);

    /// <summary>To the nearest integer, ties to even.</summary>
    static abstract TSelf Round(TSelf value);
}
