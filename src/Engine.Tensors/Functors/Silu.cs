using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>SiLU, x * sigmoid(x) (Elfwing et al. 2017), also called swish.</summary>
public readonly struct Silu : IDifferentiableUnary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => x / (T.Of(1.0) + T.Exp(-x));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy * Derivative(x);

    /// <summary>s (1 + x (1 - s)) with s = sigmoid(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Derivative<T>(T x) where T : struct, ILane<T>
    {
        T s = T.Of(1.0) / (T.Of(1.0) + T.Exp(-x));
        return s * T.MulAdd(x, T.Of(1.0) - s, T.Of(1.0));
    }
}
