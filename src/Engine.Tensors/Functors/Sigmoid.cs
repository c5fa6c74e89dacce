using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>The logistic function 1 / (1 + e^-x). It stays finite everywhere: where e^-x overflows, the quotient is 0.</summary>
public readonly struct Sigmoid : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Of(1.0) / (T.Of(1.0) + T.Exp(-x));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy * (y * (T.Of(1.0) - y));
}
