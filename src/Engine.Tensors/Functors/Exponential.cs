using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>e^x.</summary>
public readonly struct Exponential : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Exp(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy * y;
}
