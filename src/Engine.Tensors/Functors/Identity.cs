namespace Engine.Tensors;

/// <summary>f(x) = x: where a formula is asked for and none is wanted. Kernels test for it, so it costs nothing.</summary>
public readonly struct Identity : IDifferentiableUnary
{
    /// <inheritdoc/>
    public T Apply<T>(T x) where T : struct, ILane<T> => x;

    /// <inheritdoc/>
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy;
}
