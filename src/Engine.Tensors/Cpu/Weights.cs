using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// An element of a product's right side as memory holds it: what arithmetic runs in, or 16 bits that are widened, exactly,
/// each time they are loaded.
/// </summary>
/// <typeparam name="TSelf">The implementing type, as large as the stored element.</typeparam>
/// <typeparam name="T">What arithmetic runs in.</typeparam>
unsafe interface IWeight<TSelf, T>
    where TSelf : unmanaged, IWeight<TSelf, T>
    where T : unmanaged
{
    /// <summary>A vector of neighbours, any alignment.</summary>
    static abstract TLane Load<TLane>(TSelf* source) where TLane : struct, IVectorLane<TLane, T>;

    /// <summary>One number.</summary>
    static abstract T Widen(TSelf weight);
}

/// <summary>A weight in the type that arithmetic runs in.</summary>
readonly unsafe struct PlainWeight<T>(T value) : IWeight<PlainWeight<T>, T> where T : unmanaged
{
    readonly T value = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Load<TLane>(PlainWeight<T>* source) where TLane : struct, IVectorLane<TLane, T> => TLane.Load((T*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Widen(PlainWeight<T> weight) => weight.value;
}

/// <summary>A weight in bfloat16.</summary>
readonly unsafe struct BrainWeight<T>(ushort bits) : IWeight<BrainWeight<T>, T> where T : unmanaged, INumberBase<T>
{
    readonly ushort bits = bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Load<TLane>(BrainWeight<T>* source) where TLane : struct, IVectorLane<TLane, T> => TLane.LoadBrain((ushort*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Widen(BrainWeight<T> weight) => T.CreateTruncating(Widening.Brain(weight.bits));
}

/// <summary>A weight in float16.</summary>
readonly unsafe struct HalfWeight<T>(ushort bits) : IWeight<HalfWeight<T>, T> where T : unmanaged, INumberBase<T>
{
    readonly ushort bits = bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane Load<TLane>(HalfWeight<T>* source) where TLane : struct, IVectorLane<TLane, T> => TLane.LoadHalf((ushort*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Widen(HalfWeight<T> weight) => T.CreateTruncating(Widening.Half(weight.bits));
}
