using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>(a - b)^2, the summand of the mean squared error.</summary>
public readonly struct SquaredError : IDifferentiableBinary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T a, T b) where T : struct, ILane<T> => (a - b) * (a - b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientA<T>(T a, T b, T dy) where T : struct, ILane<T> => T.Of(2.0) * (a - b) * dy;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientB<T>(T a, T b, T dy) where T : struct, ILane<T> => T.Of(2.0) * (b - a) * dy;
}
