using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// Inverted dropout (Srivastava et al. 2014): a / keep where the uniform draw b is below keep, else 0. The draw gets no gradient.
/// </summary>
/// <param name="keep">The probability that an element survives, above 0 and at most 1.</param>
public readonly struct Dropout(float keep) : IDifferentiableBinary
{
    readonly float keep = keep, scale = 1f / keep;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T a, T b) where T : struct, ILane<T> =>
        T.IfGreater(T.Of(keep), b, a * T.Of(scale), T.Of(0.0));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientA<T>(T a, T b, T dy) where T : struct, ILane<T> =>
        T.IfGreater(T.Of(keep), b, dy * T.Of(scale), T.Of(0.0));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientB<T>(T a, T b, T dy) where T : struct, ILane<T> => T.Of(0.0);
}
