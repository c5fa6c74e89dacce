using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>scale * x + shift.</summary>
/// <param name="scale">The factor.</param>
/// <param name="shift">The summand.</param>
public readonly struct Affine(float scale, float shift) : IDifferentiableUnary
{
    readonly float scale = scale, shift = shift;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.MulAdd(T.Of(scale), x, T.Of(shift));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => T.Of(scale) * dy;
}

/// <summary>factor * x.</summary>
/// <param name="factor">The factor.</param>
public readonly struct Scale(float factor) : IDifferentiableUnary
{
    readonly float factor = factor;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => T.Of(factor) * x;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => T.Of(factor) * dy;
}

/// <summary>x + constant.</summary>
/// <param name="constant">The summand.</param>
public readonly struct AddConstant(float constant) : IDifferentiableUnary
{
    readonly float constant = constant;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T x) where T : struct, ILane<T> => x + T.Of(constant);

    /// <inheritdoc/>
    public T Gradient<T>(T x, T y, T dy) where T : struct, ILane<T> => dy;
}
