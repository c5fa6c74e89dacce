using System.Runtime.CompilerServices;
using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>The ways a matrix product may take on any device; which one is up to its shape and the device.</content>
sealed partial class GpuBackend
{
    void Tiled<TActivation, TElement, TWord, TLane, TRight, TRightWord>(ProductLayout layout, ProductArguments<TActivation, TWord, TLane, TRightWord> arguments)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        arguments.Sizes = layout.Sizes(TiledProduct.Tile, TiledProduct.Tile);
        GpuStorage? partial = Cut(ref arguments.Sizes, ref arguments.Result, 256, 2 * Runtime.Accelerator.NumMultiprocessors);
        Runtime.Launch(TiledProduct.Run<TActivation, TElement, TWord, TLane, TRight, TRightWord>, Groups(arguments.Sizes), arguments);
        SumPieces<TActivation, TElement, TWord, TLane>(arguments.Sizes, arguments.Result, partial);
    }

    void Rows<TActivation, TElement, TWord, TLane, TRight, TRightWord>(ProductLayout layout, ProductArguments<TActivation, TWord, TLane, TRightWord> arguments)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        if (arguments.BPlaces.Row == 1 && arguments.BPlaces.Column != 1)
        {
            if (Runtime.IsProcessor)
            {
                // As many columns a group as leave four groups for every core.
                int bits = 8;
                while (bits > 3 && layout.N >> bits < 4 * Runtime.Accelerator.NumMultiprocessors) bits--;
                arguments.Sizes = layout.Sizes(RowProduct.Rows, 1 << bits);
                Runtime.Launch(LoopedRowProduct.Dots<TActivation, TElement, TWord, TLane, TRight, TRightWord>, Groups(arguments.Sizes),
                    new DotArguments<TActivation, TWord, TLane, TRightWord> { Product = arguments, LaneBits = bits });
                return;
            }

            // 32 threads read one piece of memory.
            const int LaneBits = 5;
            arguments.Sizes = layout.Sizes(RowProduct.Rows, KernelLoader.GroupSize >> LaneBits);
            Runtime.Launch(RowProduct.Dots<TActivation, TElement, TWord, TLane, TRight, TRightWord>, Groups(arguments.Sizes),
                new DotArguments<TActivation, TWord, TLane, TRightWord> { Product = arguments, LaneBits = LaneBits });
            return;
        }

        // Short pieces of K: more groups, and on a processor rows of b that stay within the reach of its page table.
        arguments.Sizes = layout.Sizes(RowProduct.Rows, RowProduct.Columns);
        GpuStorage? partial = Cut(ref arguments.Sizes, ref arguments.Result, 64, Runtime.IsProcessor ? int.MaxValue : 4 * Runtime.Accelerator.NumMultiprocessors);
        Runtime.Launch(RowProduct.Across<TActivation, TElement, TWord, TLane, TRight, TRightWord>, Groups(arguments.Sizes), arguments);
        SumPieces<TActivation, TElement, TWord, TLane>(arguments.Sizes, arguments.Result, partial);
    }

    // Cuts K into pieces of at least so many elements, multiples of what any kernel takes a step, until there are enough groups; then sums of pieces need memory of their own.
    GpuStorage? Cut<TActivation, TWord, TLane>(ref ProductSizes sizes, ref ProductResult<TActivation, TWord, TLane> result, int shortest, int groups)
        where TActivation : struct, IUnary
        where TWord : unmanaged
        where TLane : unmanaged
    {
        long elements = (long)sizes.Products * sizes.M * sizes.N;
        long wanted = Math.Min((groups + Groups(sizes) - 1) / Groups(sizes), Math.Min(sizes.K / shortest, int.MaxValue / elements));
        if (wanted <= 1) return null;
        sizes.PieceLength = (int)((sizes.K + wanted - 1) / wanted + 31) & ~31;
        sizes.Pieces = (sizes.K + sizes.PieceLength - 1) / sizes.PieceLength;
        GpuStorage partial = Runtime.Memory.Rent(sizes.Pieces * elements * Unsafe.SizeOf<TLane>());
        result.Partial = Elements<TLane>(partial);
        return partial;
    }

    void SumPieces<TActivation, TElement, TWord, TLane>(ProductSizes sizes, ProductResult<TActivation, TWord, TLane> result, GpuStorage? partial)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        if (partial is null) return;
        PiecesArguments<TActivation, TWord, TLane> arguments = new() { Sizes = sizes, Result = result };
        Runtime.LaunchItems(ProductEpilogue.SumPieces<TActivation, TElement, TWord, TLane>, (long)sizes.Products * sizes.M * sizes.N, arguments);
        partial.Release();
    }

    // Where a large product's operands lie in aligned fours: its arguments, else null.
    static WideProblem<TActivation>? InFours<TActivation, TWord, TLane, TRightWord>(
        ProductLayout layout, ProductArguments<TActivation, TWord, TLane, TRightWord> arguments, ProductTensors tensors)
        where TActivation : struct, IUnary
        where TWord : unmanaged
        where TLane : unmanaged
        where TRightWord : unmanaged
    {
        const int Smallest = WideProduct.Tile * 3 / 4;
        if (layout.M < Smallest || layout.N < Smallest || layout.K % WideProduct.Depth != 0) return null;
        bool leftAlongK = arguments.APlaces.Column == 1, rightAlongK = arguments.BPlaces.Column != 1;
        MatrixPlaces right = arguments.BPlaces with { Row = arguments.BPlaces.Column, Column = arguments.BPlaces.Row };
        if (!AreFours(arguments.APlaces, leftAlongK, layout.M) || !AreFours(right, rightAlongK, layout.N)) return null;
        if (Fours(tensors.A) is not { } a || Fours(tensors.B) is not { } b) return null;
        (ArrayView<float> y, ArrayView<float> bias, ArrayView<float> linear) =
            (GpuRuntime.View<float>(tensors.Y), GpuRuntime.View<float>(tensors.Bias ?? tensors.Y), GpuRuntime.View<float>(tensors.Linear ?? tensors.Y));
        ProductResult<TActivation, TWord, TLane> result = arguments.Result;
        return new(leftAlongK, rightAlongK, new()
        {
            A = a,
            B = b,
            APlaces = MatrixPlaces.InPieces(arguments.APlaces, leftAlongK, 4),
            BPlaces = MatrixPlaces.InPieces(right, rightAlongK, 4),
            Sizes = layout.Sizes(WideProduct.Tile, WideProduct.Tile),
            Result = new()
            {
                Activation = result.Activation,
                Bias = bias,
                Linear = linear,
                Y = y,
                LinearPlaces = result.LinearPlaces,
                YPlaces = result.YPlaces,
                BiasOrigin = result.BiasOrigin,
                BiasRow = result.BiasRow,
                BiasColumn = result.BiasColumn,
                HasBias = result.HasBias,
                HasLinear = result.HasLinear,
                Accumulate = result.Accumulate,
                Partial = y.SubView(0, 1).Cast<Scalar32>(),
            },
        });
    }

    sealed record WideProblem<TActivation>(bool LeftAlongK, bool RightAlongK, WideArguments<TActivation, float, Scalar32> Arguments) where TActivation : struct, IUnary;

    static bool AreFours(MatrixPlaces places, bool alongK, int extent) =>
        (alongK ? places.Column == 1 : places.Row == 1 && extent % 4 == 0) && MatrixPlaces.AreMultiples(places, alongK, 4);

    // A cast rounds the start of a view down: the tensor's lowest element must be at a multiple of four.
    static ArrayView<Quad<Scalar32>>? Fours(Tensor tensor)
    {
        (ArrayView<float> view, int origin) = GpuRuntime.Reach<float>(tensor);
        return (tensor.Offset - origin) % 4 == 0 ? view.SubView(0, view.Length & ~3L).Cast<Quad<Scalar32>>() : null;
    }

    void Wide<TActivation>(WideProblem<TActivation> problem) where TActivation : struct, IUnary
    {
        WideArguments<TActivation, float, Scalar32> arguments = problem.Arguments;
        GpuStorage? partial = Cut(ref arguments.Sizes, ref arguments.Result, 256, 2 * Runtime.Accelerator.NumMultiprocessors);
        long groups = Groups(arguments.Sizes);
        switch (problem.LeftAlongK, problem.RightAlongK)
        {
            case (true, true): Runtime.Launch(WideProduct.Run<TActivation, Single32, float, Scalar32, DenseAlongK, DenseAlongK>, groups, arguments); break;
            case (true, false): Runtime.Launch(WideProduct.Run<TActivation, Single32, float, Scalar32, DenseAlongK, DenseAcrossK>, groups, arguments); break;
            case (false, true): Runtime.Launch(WideProduct.Run<TActivation, Single32, float, Scalar32, DenseAcrossK, DenseAlongK>, groups, arguments); break;
            default: Runtime.Launch(WideProduct.Run<TActivation, Single32, float, Scalar32, DenseAcrossK, DenseAcrossK>, groups, arguments); break;
        }

        SumPieces<TActivation, Single32, float, Scalar32>(arguments.Sizes, arguments.Result, partial);
    }

    // Both operands into panels, then the product: two launches.
    void FromPanels<TActivation, TElement, TWord, TLane, TLeft, TLeftWord, TRight, TRightWord>(ProductLayout layout, TActivation activation, ProductTensors tensors)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TLeft : struct, IGpuElement<TLeftWord, TLane>
        where TLeftWord : unmanaged
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        ProductSizes sizes = layout.Sizes(PanelProduct.Rows, PanelProduct.Columns);
        (ArrayView<TLeftWord> a, int aOrigin) = GpuRuntime.Reach<TLeftWord>(tensors.A);
        (ArrayView<TRightWord> b, int bOrigin) = GpuRuntime.Reach<TRightWord>(tensors.B);
        MatrixPlaces places = layout.APlaces(aOrigin), turned = places with { Row = places.Column, Column = places.Row };
        PanelPairArguments<TLeftWord, TLane, TRightWord> panels = new()
        {
            Left = Panel<TLeftWord, TLane>(a, turned, sizes, sizes.M, PanelProduct.Rows, sizes.TilesDown, out GpuStorage left),
            Right = Panel<TRightWord, TLane>(b, layout.BPlaces(bOrigin), sizes, sizes.N, PanelProduct.Columns, sizes.TilesAcross, out GpuStorage right),
        };
        Runtime.LaunchItems(Panels.Pack<TLeft, TLeftWord, TLane, TRight, TRightWord>, (long)panels.Left.Count + panels.Right.Count, panels);
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
            Result = Result<TActivation, TWord, TLane>(activation, tensors, layout),
        };
        Runtime.Launch(PanelProduct.Run<TActivation, TElement, TWord, TLane>, (long)product.GroupsDown * product.GroupsAcross * sizes.Products, product);

        // The stream is in order: whoever gets these blocks next writes to them after the product has read them.
        left.Release();
        right.Release();
    }

    PanelArguments<TWord, TLane> Panel<TWord, TLane>(ArrayView<TWord> x, MatrixPlaces places, ProductSizes sizes, int extent, int width, int panels, out GpuStorage packed)
        where TWord : unmanaged
        where TLane : unmanaged
    {
        long elements = (long)sizes.Products * panels * sizes.K * width;
        if (elements > int.MaxValue) throw new ShapeException($"MatMul: operands of {sizes.Products} x {extent} x {sizes.K} elements are more than a GPU kernel packs at once; split the batch.");
        packed = Runtime.Memory.Rent(elements * Unsafe.SizeOf<TLane>());
        int chunks = (sizes.K + Panels.Chunk - 1) / Panels.Chunk;
        return new()
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
}
