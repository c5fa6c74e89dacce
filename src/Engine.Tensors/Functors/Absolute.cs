using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>|x|; the derivative at 0 is 0, as in torch.</summary>
public readonly struct Absolute : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Abs(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => T.IfGreater(x, T.Of(0.0), dy, T.IfGreater(T.Of(0.0), x, -dy, T.Of(0.0)));
}
