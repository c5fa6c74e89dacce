using ILGPU;

namespace Engine.Gpu;

/// <summary>Where the matrices of a batch lie in a view: the strides of one matrix, and of the batch.</summary>
struct MatrixPlaces
{
    public int Row, Column;
    public Steps Batch;

    /// <summary>Whether every row of every matrix starts at a multiple of some number of elements, given the axis that is dense.</summary>
    public static bool AreMultiples(MatrixPlaces places, bool rowsAreDense, int of)
    {
        Steps batch = places.Batch;
        int step = rowsAreDense ? places.Row : places.Column;
        return (batch.Origin | step | batch.S0 | batch.S1 | batch.S2 | batch.S3 | batch.S4 | batch.S5 | batch.S6 | batch.S7) % of == 0;
    }

    /// <summary>The places in pieces of some elements; Row is the stride of the axis that is not dense.</summary>
    public static MatrixPlaces InPieces(MatrixPlaces places, bool rowsAreDense, int of)
    {
        Steps batch = places.Batch;
        return new()
        {
            Row = (rowsAreDense ? places.Row : places.Column) / of,
            Batch = new()
            {
                Origin = batch.Origin / of,
                S0 = batch.S0 / of,
                S1 = batch.S1 / of,
                S2 = batch.S2 / of,
                S3 = batch.S3 / of,
                S4 = batch.S4 / of,
                S5 = batch.S5 / of,
                S6 = batch.S6 / of,
                S7 = batch.S7 / of,
            },
        };
    }

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
    public int BiasOrigin, BiasRow, BiasColumn, HasBias, HasLinear, Accumulate;

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
