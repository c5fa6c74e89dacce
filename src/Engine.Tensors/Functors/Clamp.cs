using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>x limited to [minimum, maximum]; NaN passes through. The derivative is 1 inside, the bounds included, as in torch.</summary>
/// <param name="minimum">The lower bound; minus infinity for none.</param>
/// <param name="maximum">The upper bound; infinity for none.</param>
public readonly struct Clamp(float minimum, float maximum) : IDifferentiableUnary
{
    readonly float minimum = minimum, maximum = maximum;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> =>
        T.IfGreater(T.Of(minimum), x, T.Of(minimum), T.IfGreater(x, T.Of(maximum), T.Of(maximum), x));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> =>
        T.IfGreater(T.Of(minimum), x, T.Of(0.0), T.IfGreater(x, T.Of(maximum), T.Of(0.0), dy));
}
