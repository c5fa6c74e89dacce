using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>x * sigmoid(1.702 x), the GELU approximation of Hendrycks and Gimpel (2016) that CLIP was trained with.</summary>
public readonly struct QuickGelu : IDifferentiableUnary
{
    const double Slope = 1.702;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => x / (T.Of(1.0) + T.Exp(T.Of(-Slope) * x));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy * Silu.Derivative(T.Of(Slope) * x);
}
