using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>
/// A product as kernels see it: rows, columns, depth, and the batch with its axes merged. Products that share b and whose
/// rows are evenly spaced, a linear layer over [batch, tokens, width], become one product with more rows.
/// </summary>
sealed class ProductLayout
{
    readonly StridedWalk walk;
    readonly int aRow, yRow, linearRow;
    readonly Tensor a, b, y;
    readonly Tensor? linear;

    public ProductLayout(Tensor a, Tensor b, Tensor y, Tensor? linear)
    {
        (this.a, this.b, this.y, this.linear) = (a, b, y, linear);
        (N, K) = (y.Shape[^1], a.Shape[^1]);
        (M, aRow, yRow, linearRow) = Rows();
        bool folded = M != y.Shape[^2];
        Tensor batch = Batch(y, folded);
        walk = StridedWalk.Over(batch, Batch(a, folded), Batch(b, folded), linear is null ? batch : Batch(linear, folded));
    }

    /// <summary>Extents of one product.</summary>
    public int M { get; }

    /// <inheritdoc cref="M"/>
    public int N { get; }

    /// <inheritdoc cref="M"/>
    public int K { get; }

    /// <summary>Products of the batch.</summary>
    public int Products => checked((int)walk.Count);

    /// <summary>Multiplications in all.</summary>
    public double Work => (double)M * N * K * walk.Count;

    /// <summary>Sizes for tiles of some extent, K in one piece.</summary>
    public ProductSizes Sizes(int tileRows, int tileColumns) => new()
    {
        M = M,
        N = N,
        K = K,
        Batch = Axes.Of(walk, "MatMul"),
        Products = Products,
        TilesDown = (M + tileRows - 1) / tileRows,
        TilesAcross = (N + tileColumns - 1) / tileColumns,
        Pieces = 1,
        PieceLength = K,
    };

    /// <summary>Where a lies, in a view whose element 0 of the tensor is at the origin.</summary>
    public MatrixPlaces APlaces(int origin) => new() { Row = aRow, Column = a.Strides[^1], Batch = Steps.Of(walk, 1, origin) };

    /// <summary>Where b lies.</summary>
    public MatrixPlaces BPlaces(int origin) => new() { Row = b.Strides[^2], Column = b.Strides[^1], Batch = Steps.Of(walk, 2, origin) };

    /// <summary>Where y lies.</summary>
    public MatrixPlaces YPlaces(int origin) => new() { Row = yRow, Column = y.Strides[^1], Batch = Steps.Of(walk, 0, origin) };

    /// <summary>Where the sums before the activation go.</summary>
    public MatrixPlaces LinearPlaces(int origin) =>
        linear is null ? default : new() { Row = linearRow, Column = linear.Strides[^1], Batch = Steps.Of(walk, 3, origin) };

    // The rows of all products as one run of evenly spaced rows, if they are; else those of one product.
    (int Rows, int A, int Y, int Linear) Rows()
    {
        (int, int, int, int) single = (y.Shape[^2], a.Strides[^2], y.Strides[^2], linear is null ? 0 : linear.Strides[^2]);
        (long rows, long aStep, long yStep, long linearStep) = single;
        for (int axis = y.Rank - 3; axis >= 0; axis--)
        {
            int extent = y.Shape[axis];
            if (extent == 1) continue;
            if (b.Strides[axis] != 0) return single;
            if (rows == 1) (aStep, yStep, linearStep) = (a.Strides[axis], y.Strides[axis], linear is null ? 0 : linear.Strides[axis]);
            else if (a.Strides[axis] != rows * aStep || y.Strides[axis] != rows * yStep || (linear is not null && linear.Strides[axis] != rows * linearStep)) return single;
            rows *= extent;
        }

        return rows > int.MaxValue ? single : ((int)rows, (int)aStep, (int)yStep, (int)linearStep);
    }

    // The tensor's batch axes alone; nothing of them where they have become rows.
    static Tensor Batch(Tensor tensor, bool folded) => folded
        ? new(tensor.Storage, tensor.DType, [], [], tensor.Offset)
        : new(tensor.Storage, tensor.DType, tensor.Shape[..^2], tensor.Strides[..^2].ToArray(), tensor.Offset);
}
