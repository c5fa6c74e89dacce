using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>-x.</summary>
public readonly struct Negate : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => -x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => -dy;
}
