using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>x^exponent as <see cref="Math.Pow"/> defines it: a negative x has a power for whole exponents only.</summary>
/// <param name="exponent">The exponent; 2, 1, 0.5, -0.5, -1 and -1.5 take short ways.</param>
public readonly struct Power(float exponent) : IDifferentiableUnary
{
    readonly float exponent = exponent;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => Raise(x, exponent);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> =>
        exponent == 0f ? T.Of(0.0) : dy * T.Of(exponent) * Raise(x, exponent - 1f);

    static T Raise<T>(T x, float exponent) where T : struct, ILane<T>
    {
        // The same branch for every element.
        if (exponent == 2f) return x * x;
        if (exponent == 1f) return x;
        if (exponent == -1f) return T.Of(1.0) / x;
        if (exponent == 0.5f) return T.Sqrt(x);
        if (exponent == -0.5f) return T.Of(1.0) / T.Sqrt(x);
        if (exponent == -1.5f) return T.Of(1.0) / (x * T.Sqrt(x));
        return T.Pow(x, T.Of(exponent));
    }
}
