using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// Binary cross-entropy of a logit a against a target b of 0 to 1: max(a, 0) - a b + ln(1 + e^-|a|), the form that neither
/// overflows nor loses small losses.
/// </summary>
public readonly struct BinaryCrossEntropyWithLogits : IDifferentiableBinary
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T a, T b) where T : struct, ILane<T> =>
        T.IfGreater(T.Of(0.0), a, T.Of(0.0), a) - a * b + LogOnePlus(T.Exp(-T.Abs(a)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientA<T>(T a, T b, T dy) where T : struct, ILane<T> =>
        dy * (T.Of(1.0) / (T.Of(1.0) + T.Exp(-a)) - b);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T GradientB<T>(T a, T b, T dy) where T : struct, ILane<T> => -(dy * a);

    // ln(1 + z) for z of 0 to 1: what rounding took from 1 + z comes back to first order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static T LogOnePlus<T>(T z) where T : struct, ILane<T>
    {
        T u = T.Of(1.0) + z;
        return T.Log(u) + (z - (u - T.Of(1.0))) / u;
    }
}
