using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>cos x, x in radians.</summary>
public readonly struct Cosine : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Cos(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => -(dy * T.Sin(x));
}
