using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>x^2.</summary>
public readonly struct Square : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => x * x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => T.Of(2.0) * x * dy;
}
