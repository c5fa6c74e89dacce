using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>max(x, 0) (Nair and Hinton 2010). NaN passes through; the derivative at 0 is 0, as in torch.</summary>
public readonly struct Relu : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.IfGreater(T.Of(0.0), x, T.Of(0.0), x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => T.IfGreater(x, T.Of(0.0), dy, T.Of(0.0));
}
