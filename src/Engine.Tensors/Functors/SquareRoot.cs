using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>The square root of x.</summary>
public readonly struct SquareRoot : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Sqrt(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => T.Of(0.5) * dy / y;
}
