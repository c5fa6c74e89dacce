using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>GELU's approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016, section 2).</summary>
public readonly struct GeluTanh : IDifferentiableUnary
{
    const double SqrtTwoOverPi = 0.79788456080286536, Cubic = 0.044715;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> =>
        T.Of(0.5) * x * (T.Of(1.0) + HyperbolicTangent.Value(Inner(x)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T>
    {
        T tanh = HyperbolicTangent.Value(Inner(x));
        T inner = T.Of(SqrtTwoOverPi) * T.MulAdd(T.Of(3 * Cubic), x * x, T.Of(1.0));
        return dy * T.Of(0.5) * (T.Of(1.0) + tanh + x * (T.Of(1.0) - tanh * tanh) * inner);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T Inner<T>(T x) where T : struct, ILane<T> =>
        T.Of(SqrtTwoOverPi) * x * T.MulAdd(T.Of(Cubic), x * x, T.Of(1.0));
}
