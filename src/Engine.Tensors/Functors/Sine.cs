using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>sin x, x in radians.</summary>
public readonly struct Sine : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Sin(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy * T.Cos(x);
}
