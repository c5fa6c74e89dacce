using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>A vector of any stride as a kernel sees it, or none: a gamma, a beta, the weights of classes.</summary>
struct OptionalVector<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> View;
    public int Origin, Step;

    /// <summary>1 where there is one.</summary>
    public int Exists;

    /// <summary>The vector of a tensor; for null a view of another one, since a kernel takes no empty view, that is never read.</summary>
    public static OptionalVector<TWord> Of(Tensor? vector, ArrayView<TWord> instead)
    {
        if (vector is null) return new() { View = instead };
        (ArrayView<TWord> view, int origin) = GpuRuntime.Reach<TWord>(vector);
        return new() { View = view, Origin = origin, Step = vector.Strides[0], Exists = 1 };
    }

    /// <summary>An element, or what stands for the elements of no vector.</summary>
    public static TLane At<TElement, TLane>(OptionalVector<TWord> vector, int i, TLane otherwise)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TLane : unmanaged, ILane<TLane> =>
        vector.Exists != 0 ? TElement.Load(vector.View[vector.Origin + i * vector.Step]) : otherwise;
}
