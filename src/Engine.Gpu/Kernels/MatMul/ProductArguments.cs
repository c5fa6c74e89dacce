using ILGPU;

namespace Engine.Gpu;

/// <summary>Where the matrices of a batch lie in a view: the strides of one matrix, and of the batch.</summary>
struct MatrixPlaces
{
    public int Row, Column;
    public Steps Batch;

    /// <summary>Where the first element of the matrix at some place of the batch is.</summary>
    public static int Start(MatrixPlaces places, Coordinates batch) => Steps.At(places.Batch, batch);
}

/// <summary>Sizes of a product, and what its groups share out among them.</summary>
struct ProductSizes
{
    public int M, N, K;

    /// <summary>The batch, and how many products it has.</summary>
    public Axes Batch;
    public int Products;

    /// <summary>Tiles of one result, down and across; groups count tiles across, then down, then pieces of K, then products.</summary>
    public int TilesDown, TilesAcross;

    /// <summary>K is cut into so many pieces, of so many elements each but the last one.</summary>
    public int Pieces, PieceLength;
}

/// <summary>What happens to a sum, and where it goes.</summary>
struct ProductResult<TActivation, TWord, TLane>
    where TActivation : struct
    where TWord : unmanaged
    where TLane : unmanaged
{
    public TActivation Activation;
    public ArrayView<TWord> Bias, Linear, Y;
    public MatrixPlaces LinearPlaces, YPlaces;
    public int BiasOrigin, BiasStep, HasBias, HasLinear, Accumulate;

    /// <summary>Sums of pieces of K, dense [piece, product, M, N], where there is more than one piece.</summary>
    public ArrayView<TLane> Partial;
}

/// <summary>Arguments of a product with its operands where they lie.</summary>
struct ProductArguments<TActivation, TWord, TLane, TRightWord>
    where TActivation : struct
    where TWord : unmanaged
    where TLane : unmanaged
    where TRightWord : unmanaged
{
    public ArrayView<TWord> A;
    public ArrayView<TRightWord> B;
    public MatrixPlaces APlaces, BPlaces;
    public ProductSizes Sizes;
    public ProductResult<TActivation, TWord, TLane> Result;
}
