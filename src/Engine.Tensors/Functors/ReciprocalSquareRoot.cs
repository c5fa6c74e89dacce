using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>1 / sqrt(x), with a true root and quotient rather than the approximate instruction.</summary>
public readonly struct ReciprocalSquareRoot : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Of(1.0) / T.Sqrt(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => T.Of(-0.5) * dy * (y * y * y);
}
