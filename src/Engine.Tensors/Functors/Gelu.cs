using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>GELU, x * Phi(x) with the exact normal distribution (Hendrycks and Gimpel 2016).</summary>
public readonly struct Gelu : IDifferentiableUnary
{
    const double InverseSqrt2 = 0.70710678118654752, InverseSqrt2Pi = 0.39894228040143268;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> =>
        T.Of(0.5) * x * (T.Of(1.0) + T.Erf(x * T.Of(InverseSqrt2)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T>
    {
        T cumulative = T.Of(0.5) * (T.Of(1.0) + T.Erf(x * T.Of(InverseSqrt2)));
        T density = T.Of(InverseSqrt2Pi) * T.Exp(T.Of(-0.5) * x * x);
        return dy * T.MulAdd(x, density, cumulative);
    }
}
