using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>The larger of a and b, NaN where either is NaN. Where both are equal each gets half of the gradient, as in torch.</summary>
public readonly struct Maximum : IDifferentiableBinary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T a, T b) where T : struct, ILane<T> => Of(a, b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientA<T>(T a, T b, T dy) where T : struct, ILane<T> => Share(a, b, dy);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientB<T>(T a, T b, T dy) where T : struct, ILane<T> => Share(b, a, dy);

    // A comparison with NaN is false: a NaN in b comes back by the inner choice, one in a by the outer one,
    // where a itself is returned unless it is minus infinity.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Of<T>(T a, T b) where T : struct, ILane<T> =>
        T.IfGreater(a, T.Of(double.NegativeInfinity), T.IfGreater(a, b, a, b), T.IfGreater(T.Of(0.0), a, b, a));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Share<T>(T larger, T smaller, T dy) where T : struct, ILane<T> =>
        T.IfGreater(larger, smaller, dy, T.IfGreater(smaller, larger, T.Of(0.0), T.Of(0.5) * dy));
}

/// <summary>The smaller of a and b, NaN where either is NaN. Where both are equal each gets half of the gradient, as in torch.</summary>
public readonly struct Minimum : IDifferentiableBinary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T a, T b) where T : struct, ILane<T> => Of(a, b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientA<T>(T a, T b, T dy) where T : struct, ILane<T> => Maximum.Share(b, a, dy);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientB<T>(T a, T b, T dy) where T : struct, ILane<T> => Maximum.Share(a, b, dy);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Of<T>(T a, T b) where T : struct, ILane<T> =>
        T.IfGreater(T.Of(double.PositiveInfinity), a, T.IfGreater(b, a, a, b), T.IfGreater(a, T.Of(0.0), b, a));
}

/// <summary>Folds to the largest element; a NaN anywhere gives NaN.</summary>
public readonly struct Max : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Start<T>() where T : struct, ILane<T> => T.Of(double.NegativeInfinity);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Map<T>(T x) where T : struct, ILane<T> => x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Combine<T>(T a, T b) where T : struct, ILane<T> => Maximum.Of(a, b);
}

/// <summary>Folds to the smallest element; a NaN anywhere gives NaN.</summary>
public readonly struct Min : IReduction
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Start<T>() where T : struct, ILane<T> => T.Of(double.PositiveInfinity);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Map<T>(T x) where T : struct, ILane<T> => x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Combine<T>(T a, T b) where T : struct, ILane<T> => Minimum.Of(a, b);
}
