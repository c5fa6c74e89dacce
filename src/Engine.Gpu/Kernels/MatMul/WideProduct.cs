using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="WideProduct"/>: operands as fours, strides of the axis that is not dense, in fours.</summary>
struct WideArguments<TActivation, TWord, TLane>
    where TActivation : struct
    where TWord : unmanaged
    where TLane : unmanaged, ILane<TLane>
{
    public ArrayView<Quad<TLane>> A, B;
    public MatrixPlaces APlaces, BPlaces;
    public ProductSizes Sizes;
    public ProductResult<TActivation, TWord, TLane> Result;
}

/// <summary>
/// The product of large float32 operands that lie in aligned fours, K a multiple of 8. A group computes 128 x 128 results, a thread 8 x 8:
/// 64 multiplications for four wide reads of shared memory. The next tiles are on their way from memory to registers while the
/// present ones are multiplied, and two pairs of tiles take turns, so that one barrier a step is enough.
/// </summary>
static class WideProduct
{
    /// <summary>Rows and columns of a group.</summary>
    public const int Tile = 128;

    /// <summary>Elements of K a step.</summary>
    public const int Depth = 8;

    const int Pitch = Tile + 4, Fours = Pitch / 4, Half = Depth * Pitch, HalfFours = Half / 4;

    public static void Run<TActivation, TElement, TWord, TLane, TLeft, TRight>(WideArguments<TActivation, TWord, TLane> a)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TLeft : struct, IOperandLayout
        where TRight : struct, IOperandLayout
    {
        ArrayView<TLane> aTiles = SharedMemory.Allocate<TLane>(2 * Half), bTiles = SharedMemory.Allocate<TLane>(2 * Half);
        ArrayView<Quad<TLane>> aFours = aTiles.Cast<Quad<TLane>>(), bFours = bTiles.Cast<Quad<TLane>>();
        int thread = Group.IdxX, down = thread >> 4, across = thread & 15;
        int place = Grid.IdxX, tiles = place / a.Sizes.TilesAcross;
        int firstColumn = (place - tiles * a.Sizes.TilesAcross) * Tile;
        int pieces = tiles / a.Sizes.TilesDown, firstRow = (tiles - pieces * a.Sizes.TilesDown) * Tile;
        int product = pieces / a.Sizes.Pieces, piece = pieces - product * a.Sizes.Pieces;
        int firstK = piece * a.Sizes.PieceLength, endK = firstK + a.Sizes.PieceLength < a.Sizes.K ? firstK + a.Sizes.PieceLength : a.Sizes.K;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);

        int aPlace = MatrixPlaces.Start(a.APlaces, batch) + Place<TLeft>(thread, firstRow, a.Sizes.M, firstK, a.APlaces.Row);
        int bPlace = MatrixPlaces.Start(a.BPlaces, batch) + Place<TRight>(thread, firstColumn, a.Sizes.N, firstK, a.BPlaces.Row);
        int aStep = TLeft.AlongK ? Depth / 4 : Depth * a.APlaces.Row, bStep = TRight.AlongK ? Depth / 4 : Depth * a.BPlaces.Row;
        Quad<TLane> aNext = a.A[aPlace], bNext = a.B[bPlace];

        Quad<TLane> p0 = Quad<TLane>.Zero, p1 = p0, p2 = p0, p3 = p0, p4 = p0, p5 = p0, p6 = p0, p7 = p0;
        Quad<TLane> q0 = p0, q1 = p0, q2 = p0, q3 = p0, q4 = p0, q5 = p0, q6 = p0, q7 = p0;
        int turn = 0, k0 = firstK;

        // As in TiledProduct: no barrier depends on a condition.
        Group.Barrier();
        do
        {
            Put<TLeft, TLane>(aTiles, aFours, turn, thread, aNext);
            Put<TRight, TLane>(bTiles, bFours, turn, thread, bNext);

            // These tiles are whole; and everybody has left those that the next step overwrites. k0 and endK are the group's.
            Group.Barrier();
            if (k0 + Depth < endK)
            {
                aPlace += aStep;
                bPlace += bStep;
                aNext = a.A[aPlace];
                bNext = a.B[bPlace];
            }

            int at = turn * HalfFours + down, bt = turn * HalfFours + across;
            for (int k = 0; k < Depth; k++)
            {
                Quad<TLane> upper = aFours[at], lower = aFours[at + 16], left = bFours[bt], right = bFours[bt + 16];
                p0 = Quad<TLane>.MulAdd(upper.X, left, p0);
                q0 = Quad<TLane>.MulAdd(upper.X, right, q0);
                p1 = Quad<TLane>.MulAdd(upper.Y, left, p1);
                q1 = Quad<TLane>.MulAdd(upper.Y, right, q1);
                p2 = Quad<TLane>.MulAdd(upper.Z, left, p2);
                q2 = Quad<TLane>.MulAdd(upper.Z, right, q2);
                p3 = Quad<TLane>.MulAdd(upper.W, left, p3);
                q3 = Quad<TLane>.MulAdd(upper.W, right, q3);
                p4 = Quad<TLane>.MulAdd(lower.X, left, p4);
                q4 = Quad<TLane>.MulAdd(lower.X, right, q4);
                p5 = Quad<TLane>.MulAdd(lower.Y, left, p5);
                q5 = Quad<TLane>.MulAdd(lower.Y, right, q5);
                p6 = Quad<TLane>.MulAdd(lower.Z, left, p6);
                q6 = Quad<TLane>.MulAdd(lower.Z, right, q6);
                p7 = Quad<TLane>.MulAdd(lower.W, left, p7);
                q7 = Quad<TLane>.MulAdd(lower.W, right, q7);
                at += Fours;
                bt += Fours;
            }

            turn = 1 - turn;
            k0 += Depth;
        }
        while (k0 < endK);

        int row = firstRow + down * 4, column = firstColumn + across * 4;
        ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column, p0, p1, p2, p3);
        ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column + 64, q0, q1, q2, q3);
        ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row + 64, column, p4, p5, p6, p7);
        ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row + 64, column + 64, q4, q5, q6, q7);
    }

    // Which four a thread brings: two threads a row along K, else 32 threads a step of K. Beyond the edge it brings the edge,
    // whose sums nobody keeps.
    static int Place<TLayout>(int thread, int first, int extent, int firstK, int row) where TLayout : struct, IOperandLayout
    {
        if (TLayout.AlongK)
        {
            int line = first + (thread >> 1);
            return (line < extent ? line : extent - 1) * row + (firstK >> 2) + (thread & 1);
        }

        int four = (first >> 2) + (thread & 31), last = (extent >> 2) - 1;
        return (firstK + (thread >> 5)) * row + (four < last ? four : last);
    }

    // Into shared memory with K outermost.
    static void Put<TLayout, TLane>(ArrayView<TLane> tiles, ArrayView<Quad<TLane>> fours, int turn, int thread, Quad<TLane> four)
        where TLayout : struct, IOperandLayout
        where TLane : unmanaged, ILane<TLane>
    {
        if (TLayout.AlongK)
        {
            int place = turn * Half + (thread & 1) * 4 * Pitch + (thread >> 1);
            tiles[place] = four.X;
            tiles[place + Pitch] = four.Y;
            tiles[place + 2 * Pitch] = four.Z;
            tiles[place + 3 * Pitch] = four.W;
        }
        else
        {
            fours[turn * HalfFours + (thread >> 5) * Fours + (thread & 31)] = four;
        }
    }
}
