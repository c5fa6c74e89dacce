using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>SwiGLU, silu(gate) * up (Shazeer 2020): a is the gate, b the other projection.</summary>
public readonly struct SwiGlu : IDifferentiableBinary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T a, T b) where T : struct, ILane<T> => a * b / (T.Of(1.0) + T.Exp(-a));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientA<T>(T a, T b, T dy) where T : struct, ILane<T> => dy * b * Silu.Derivative(a);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientB<T>(T a, T b, T dy) where T : struct, ILane<T> => dy * (a / (T.Of(1.0) + T.Exp(-a)));
}
