using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// Products with few rows, where reading b once is what counts: no tiles of b, four rows of a at a time. Which of the two
/// kernels runs depends on the axis along which b is dense; neighbouring threads read neighbours in memory.
/// </summary>
static class RowProduct
{
    /// <summary>Rows of a thread.</summary>
    public const int Rows = 4;

    /// <summary>Columns of a group of <see cref="Across"/>, four a thread.</summary>
    public const int Columns = 4 * KernelLoader.GroupSize;

    /// <summary>b dense along its rows: a thread computes 4 x 4 results over one piece of K, straight from memory.</summary>
    public static void Across<TActivation, TElement, TWord, TLane, TRight, TRightWord>(ProductArguments<TActivation, TWord, TLane, TRightWord> a)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        int place = Grid.IdxX, tiles = place / a.Sizes.TilesAcross;
        int column = (place - tiles * a.Sizes.TilesAcross) * Columns + Group.IdxX * 4;
        int pieces = tiles / a.Sizes.TilesDown, row = (tiles - pieces * a.Sizes.TilesDown) * Rows;
        int product = pieces / a.Sizes.Pieces, piece = pieces - product * a.Sizes.Pieces;
        if (column >= a.Sizes.N) return;
        int firstK = piece * a.Sizes.PieceLength;
        int endK = firstK + a.Sizes.PieceLength < a.Sizes.K ? firstK + a.Sizes.PieceLength : a.Sizes.K;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);

        // Beyond the last row and column stand copies of them, whose sums nobody keeps.
        int lastRow = a.Sizes.M - 1, lastColumn = a.Sizes.N - 1;
        int a0 = MatrixPlaces.Start(a.APlaces, batch) + row * a.APlaces.Row + firstK * a.APlaces.Column;
        int a1 = a0 + (row + 1 <= lastRow ? a.APlaces.Row : 0), a2 = a1 + (row + 2 <= lastRow ? a.APlaces.Row : 0), a3 = a2 + (row + 3 <= lastRow ? a.APlaces.Row : 0);
        int b = MatrixPlaces.Start(a.BPlaces, batch) + column * a.BPlaces.Column + firstK * a.BPlaces.Row;
        Quad<TLane> sums0 = Quad<TLane>.Zero, sums1 = Quad<TLane>.Zero, sums2 = Quad<TLane>.Zero, sums3 = Quad<TLane>.Zero;
        if (a.BPlaces.Column == 1 && column + 3 <= lastColumn)
        {
            for (int k = firstK; k < endK; k++)
            {
                Quad<TLane> right = new() { X = TRight.Load(a.B[b]), Y = TRight.Load(a.B[b + 1]), Z = TRight.Load(a.B[b + 2]), W = TRight.Load(a.B[b + 3]) };
                sums0 = Quad<TLane>.MulAdd(TElement.Load(a.A[a0]), right, sums0);
                sums1 = Quad<TLane>.MulAdd(TElement.Load(a.A[a1]), right, sums1);
                sums2 = Quad<TLane>.MulAdd(TElement.Load(a.A[a2]), right, sums2);
                sums3 = Quad<TLane>.MulAdd(TElement.Load(a.A[a3]), right, sums3);
                a0 += a.APlaces.Column;
                a1 += a.APlaces.Column;
                a2 += a.APlaces.Column;
                a3 += a.APlaces.Column;
                b += a.BPlaces.Row;
            }
        }
        else
        {
            int b1 = b + (column + 1 <= lastColumn ? a.BPlaces.Column : 0), b2 = b1 + (column + 2 <= lastColumn ? a.BPlaces.Column : 0);
            int b3 = b2 + (column + 3 <= lastColumn ? a.BPlaces.Column : 0);
            for (int k = firstK; k < endK; k++)
            {
                Quad<TLane> right = new() { X = TRight.Load(a.B[b]), Y = TRight.Load(a.B[b1]), Z = TRight.Load(a.B[b2]), W = TRight.Load(a.B[b3]) };
                sums0 = Quad<TLane>.MulAdd(TElement.Load(a.A[a0]), right, sums0);
                sums1 = Quad<TLane>.MulAdd(TElement.Load(a.A[a1]), right, sums1);
                sums2 = Quad<TLane>.MulAdd(TElement.Load(a.A[a2]), right, sums2);
                sums3 = Quad<TLane>.MulAdd(TElement.Load(a.A[a3]), right, sums3);
                a0 += a.APlaces.Column;
                a1 += a.APlaces.Column;
                a2 += a.APlaces.Column;
                a3 += a.APlaces.Column;
                b += a.BPlaces.Row;
                b1 += a.BPlaces.Row;
                b2 += a.BPlaces.Row;
                b3 += a.BPlaces.Row;
            }
        }

        ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column, sums0, sums1, sums2, sums3);
    }

    /// <summary>
    /// b dense along its columns, a weight [N, K] above all: 2^<see cref="DotArguments{TActivation, TWord, TLane, TRightWord}.LaneBits"/> threads share
    /// the dot products of one column with four rows, and their sums are added in order.
    /// </summary>
    public static void Dots<TActivation, TElement, TWord, TLane, TRight, TRightWord>(DotArguments<TActivation, TWord, TLane, TRightWord> arguments)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        ArrayView<TLane> sums = SharedMemory.Allocate<TLane>(Rows * KernelLoader.GroupSize);
        ProductArguments<TActivation, TWord, TLane, TRightWord> a = arguments.Product;
        int lanes = 1 << arguments.LaneBits, lane = Group.IdxX & (lanes - 1), columns = KernelLoader.GroupSize >> arguments.LaneBits;
        int place = Grid.IdxX, tiles = place / a.Sizes.TilesAcross;
        int firstColumn = (place - tiles * a.Sizes.TilesAcross) * columns, column = firstColumn + (Group.IdxX >> arguments.LaneBits);
        int product = tiles / a.Sizes.TilesDown, row = (tiles - product * a.Sizes.TilesDown) * Rows;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);
        if (column < a.Sizes.N)
        {
            int lastRow = a.Sizes.M - 1, step = lanes * 4, whole = a.Sizes.K & ~3;
            int origin0 = MatrixPlaces.Start(a.APlaces, batch) + row * a.APlaces.Row;
            int origin1 = origin0 + (row + 1 <= lastRow ? a.APlaces.Row : 0), origin2 = origin1 + (row + 2 <= lastRow ? a.APlaces.Row : 0);
            int origin3 = origin2 + (row + 3 <= lastRow ? a.APlaces.Row : 0), origin = MatrixPlaces.Start(a.BPlaces, batch) + column * a.BPlaces.Column;
            Quad<TLane> sums0 = Quad<TLane>.Zero, sums1 = Quad<TLane>.Zero, sums2 = Quad<TLane>.Zero, sums3 = Quad<TLane>.Zero;
            int along = a.APlaces.Column;
            for (int k = lane * 4; k < whole; k += step)
            {
                int b = origin + k, left = k * along;
                Quad<TLane> right = new() { X = TRight.Load(a.B[b]), Y = TRight.Load(a.B[b + 1]), Z = TRight.Load(a.B[b + 2]), W = TRight.Load(a.B[b + 3]) };
                sums0 = Quad<TLane>.MulAdd(Four<TElement, TWord, TLane>(a.A, origin0 + left, along), right, sums0);
                sums1 = Quad<TLane>.MulAdd(Four<TElement, TWord, TLane>(a.A, origin1 + left, along), right, sums1);
                sums2 = Quad<TLane>.MulAdd(Four<TElement, TWord, TLane>(a.A, origin2 + left, along), right, sums2);
                sums3 = Quad<TLane>.MulAdd(Four<TElement, TWord, TLane>(a.A, origin3 + left, along), right, sums3);
            }

            for (int k = whole + lane; k < a.Sizes.K; k += lanes)
            {
                TLane right = TRight.Load(a.B[origin + k]);
                sums0.X = TLane.MulAdd(TElement.Load(a.A[origin0 + k * along]), right, sums0.X);
                sums1.X = TLane.MulAdd(TElement.Load(a.A[origin1 + k * along]), right, sums1.X);
                sums2.X = TLane.MulAdd(TElement.Load(a.A[origin2 + k * along]), right, sums2.X);
                sums3.X = TLane.MulAdd(TElement.Load(a.A[origin3 + k * along]), right, sums3.X);
            }

            sums[Group.IdxX] = Quad<TLane>.Sum(sums0);
            sums[KernelLoader.GroupSize + Group.IdxX] = Quad<TLane>.Sum(sums1);
            sums[2 * KernelLoader.GroupSize + Group.IdxX] = Quad<TLane>.Sum(sums2);
            sums[3 * KernelLoader.GroupSize + Group.IdxX] = Quad<TLane>.Sum(sums3);
        }

        // All sums are there before anybody adds them up; every thread of the group comes here.
        Group.Barrier();
        int y = MatrixPlaces.Start(a.Result.YPlaces, batch), linear = MatrixPlaces.Start(a.Result.LinearPlaces, batch);
        for (int result = Group.IdxX; result < Rows * columns; result += KernelLoader.GroupSize)
        {
            int below = result / columns, beside = result - below * columns, first = below * KernelLoader.GroupSize + (beside << arguments.LaneBits);
            TLane sum = sums[first];
            for (int i = 1; i < lanes; i++) sum += sums[first + i];
            if (row + below < a.Sizes.M && firstColumn + beside < a.Sizes.N)
                ProductEpilogue.Store<TActivation, TElement, TWord, TLane>(a.Result, y, linear, row + below, firstColumn + beside, sum);
        }
    }

    /// <summary>Four neighbours along some step.</summary>
    public static Quad<TLane> Four<TElement, TWord, TLane>(ArrayView<TWord> x, int place, int step)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane> => new()
        {
            X = TElement.Load(x[place]),
            Y = TElement.Load(x[place + step]),
            Z = TElement.Load(x[place + 2 * step]),
            W = TElement.Load(x[place + 3 * step]),
        };
}

/// <summary>Arguments of <see cref="RowProduct.Dots"/> and <see cref="LoopedRowProduct.Dots"/>.</summary>
struct DotArguments<TActivation, TWord, TLane, TRightWord>
    where TActivation : struct
    where TWord : unmanaged
    where TLane : unmanaged
    where TRightWord : unmanaged
{
    public ProductArguments<TActivation, TWord, TLane, TRightWord> Product;

    /// <summary>The logarithm of the number of threads that share a column, or that have a column each.</summary>
    public int LaneBits;
}
