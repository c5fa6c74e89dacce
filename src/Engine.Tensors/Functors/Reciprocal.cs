using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>1 / x.</summary>
public readonly struct Reciprocal : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Of(1.0) / x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => -(dy * y * y);
}
