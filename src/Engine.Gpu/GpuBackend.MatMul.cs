using System.Runtime.CompilerServices;
using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Matrix products.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
    {
        ProductTensors tensors = new(a, b, bias, y, preActivation, accumulate);
        switch (y.DType, b.DType)
        {
            case (DType.Float32, DType.Float32): Product<TActivation, Single32, float, Scalar32, Single32, float>(activation, tensors); break;
            case (DType.Float32, DType.BFloat16): Product<TActivation, Single32, float, Scalar32, Brain16, ushort>(activation, tensors); break;
            case (DType.Float32, DType.Float16): Product<TActivation, Single32, float, Scalar32, Half16, ushort>(activation, tensors); break;
            case (DType.BFloat16, DType.BFloat16): Product<TActivation, Brain16, ushort, Scalar32, Brain16, ushort>(activation, tensors); break;
            case (DType.Float16, DType.Float16): Product<TActivation, Half16, ushort, Scalar32, Half16, ushort>(activation, tensors); break;
            case (DType.Float64, DType.Float64): Product<TActivation, Double64, double, Scalar64, Double64, double>(activation, tensors); break;
            case (DType.Float64, DType.BFloat16 or DType.Float16):
                // Gradient checks of a frozen narrow weight: rare and small, so b is widened on its own first.
                Tensor wide = b.To(DType.Float64);
                Product<TActivation, Double64, double, Scalar64, Double64, double>(activation, tensors with { B = wide });
                wide.Release();
                break;
            default: throw new ShapeException($"MatMul: {a.DType} times {b.DType} into {y.DType} is no product that a GPU kernel computes; convert with To(DType).");
        }

        GC.KeepAlive(tensors);
    }

    /// <summary>The operands of one call.</summary>
    sealed record ProductTensors(Tensor A, Tensor B, Tensor? Bias, Tensor Y, Tensor? Linear, bool Accumulate);

    void Product<TActivation, TElement, TWord, TLane, TRight, TRightWord>(TActivation activation, ProductTensors tensors)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        ProductLayout layout = new(tensors.A, tensors.B, tensors.Y, tensors.Linear);
        ProductArguments<TActivation, TWord, TLane, TRightWord> arguments = Arguments<TActivation, TWord, TLane, TRightWord>(activation, tensors, layout);
        if (Runtime.IsProcessor) FromPanels<TActivation, TElement, TWord, TLane, TRight, TRightWord>(layout, arguments);
        else Tiled<TActivation, TElement, TWord, TLane, TRight, TRightWord>(layout, arguments);
    }

    void Tiled<TActivation, TElement, TWord, TLane, TRight, TRightWord>(ProductLayout layout, ProductArguments<TActivation, TWord, TLane, TRightWord> arguments)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        arguments.Sizes = layout.Sizes(TiledProduct.Tile, TiledProduct.Tile);
        Runtime.Launch(TiledProduct.Run<TActivation, TElement, TWord, TLane, TRight, TRightWord>, Groups(arguments.Sizes), arguments);
    }

    // Both operands into panels, then the product: three launches.
    void FromPanels<TActivation, TElement, TWord, TLane, TRight, TRightWord>(ProductLayout layout, ProductArguments<TActivation, TWord, TLane, TRightWord> arguments)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        ProductSizes sizes = layout.Sizes(PanelProduct.Rows, PanelProduct.Columns);
        MatrixPlaces turned = arguments.APlaces with { Row = arguments.APlaces.Column, Column = arguments.APlaces.Row };
        GpuStorage left = Pack<TElement, TWord, TLane>(arguments.A, turned, sizes, sizes.M, PanelProduct.Rows, sizes.TilesDown);
        GpuStorage right = Pack<TRight, TRightWord, TLane>(arguments.B, arguments.BPlaces, sizes, sizes.N, PanelProduct.Columns, sizes.TilesAcross);
        (int down, int across) = GroupTiles(sizes);
        PanelProductArguments<TActivation, TWord, TLane> product = new()
        {
            A = Elements<TLane>(left),
            B = Elements<Quad<TLane>>(right),
            Sizes = sizes,
            Down = down,
            Across = across,
            GroupsDown = (sizes.TilesDown + down - 1) / down,
            GroupsAcross = (sizes.TilesAcross + across - 1) / across,
            Result = arguments.Result,
        };
        Runtime.Launch(PanelProduct.Run<TActivation, TElement, TWord, TLane>, (long)product.GroupsDown * product.GroupsAcross * sizes.Products, product);

        // The stream is in order: whoever gets these blocks next writes to them after the product has read them.
        left.Release();
        right.Release();
    }

    GpuStorage Pack<TElement, TWord, TLane>(ArrayView<TWord> x, MatrixPlaces places, ProductSizes sizes, int extent, int width, int panels)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        long elements = (long)sizes.Products * panels * sizes.K * width;
        if (elements > int.MaxValue) throw new ShapeException($"MatMul: operands of {sizes.Products} x {extent} x {sizes.K} elements are more than a GPU kernel packs at once; split the batch.");
        GpuStorage packed = Runtime.Memory.Rent(elements * Unsafe.SizeOf<TLane>());
        int chunks = (sizes.K + Panels.Chunk - 1) / Panels.Chunk;
        PanelArguments<TWord, TLane> arguments = new()
        {
            X = x,
            Packed = Elements<TLane>(packed),
            Places = places,
            Batch = sizes.Batch,
            K = sizes.K,
            Extent = extent,
            Width = width,
            PanelCount = panels,
            Chunks = chunks,
            Count = sizes.Products * panels * chunks,
        };
        Runtime.LaunchItems(Panels.Pack<TElement, TWord, TLane>, arguments.Count, arguments);
        return packed;
    }

    // Up to 256 tiles a group, 16 down, and enough groups for all cores.
    (int Down, int Across) GroupTiles(ProductSizes sizes)
    {
        long tiles = (long)sizes.TilesDown * sizes.TilesAcross * sizes.Products;
        int each = (int)Math.Clamp(tiles / (4L * Runtime.Accelerator.NumMultiprocessors), 1, KernelLoader.GroupSize);
        int down = Math.Min(Math.Min(sizes.TilesDown, 16), each);
        return (down, Math.Min(sizes.TilesAcross, each / down));
    }

    static ArrayView<T> Elements<T>(GpuStorage storage) where T : unmanaged =>
        storage.Block.AsArrayView<byte>(0, storage.Block.LengthInBytes).Cast<T>();

    static long Groups(ProductSizes sizes) => (long)sizes.TilesDown * sizes.TilesAcross * sizes.Pieces * sizes.Products;

    static ProductArguments<TActivation, TWord, TLane, TRightWord> Arguments<TActivation, TWord, TLane, TRightWord>(
        TActivation activation, ProductTensors tensors, ProductLayout layout)
        where TActivation : struct, IUnary
        where TWord : unmanaged
        where TLane : unmanaged
        where TRightWord : unmanaged
    {
        (ArrayView<TWord> a, int aOrigin) = GpuRuntime.Reach<TWord>(tensors.A);
        (ArrayView<TRightWord> b, int bOrigin) = GpuRuntime.Reach<TRightWord>(tensors.B);
        (ArrayView<TWord> y, int yOrigin) = GpuRuntime.Reach<TWord>(tensors.Y);

        // A view must lead somewhere, even where no kernel follows it.
        (ArrayView<TWord> bias, int biasOrigin) = GpuRuntime.Reach<TWord>(tensors.Bias ?? tensors.Y);
        (ArrayView<TWord> linear, int linearOrigin) = GpuRuntime.Reach<TWord>(tensors.Linear ?? tensors.Y);
        return new()
        {
            A = a,
            B = b,
            APlaces = layout.APlaces(aOrigin),
            BPlaces = layout.BPlaces(bOrigin),
            Result = new()
            {
                Activation = activation,
                Bias = bias,
                Linear = linear,
                Y = y,
                LinearPlaces = layout.LinearPlaces(linearOrigin),
                YPlaces = layout.YPlaces(yOrigin),
                BiasOrigin = biasOrigin,
                BiasStep = tensors.Bias?.Strides[0] ?? 0,
                HasBias = tensors.Bias is null ? 0 : 1,
                HasLinear = tensors.Linear is null ? 0 : 1,
                Accumulate = tensors.Accumulate ? 1 : 0,
                Partial = y.SubView(0, 1).Cast<TLane>(),
            },
        };
    }
}
