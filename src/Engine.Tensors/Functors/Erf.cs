using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>The error function 2 / sqrt(pi) * integral of e^(-t^2) from 0 to x; accuracy as <see cref="ILane{T}.Erf"/> says.</summary>
public readonly struct Erf : IDifferentiableUnary
{
    const double TwoOverSqrtPi = 1.1283791670955126;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Erf(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy * T.Of(TwoOverSqrtPi) * T.Exp(-(x * x));
}
