using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// The general product: any sizes, any strides, any element types. A group computes 64 x 64 results, a thread 4 x 4 of them;
/// tiles of 64 x 16 of a and 16 x 64 of b go through shared memory, so that an element is read from memory once a group.
/// </summary>
static class TiledProduct
{
    /// <summary>Rows and columns of a group's tile.</summary>
    public const int Tile = 64;

    const int Depth = 16;

    // Rows of k are 4 elements longer than the tile: writes along k then spread over the banks, reads of four stay aligned.
    const int Pitch = Tile + 4, QuadPitch = Pitch / 4;

    public static void Run<TActivation, TElement, TWord, TLane, TRight, TRightWord>(ProductArguments<TActivation, TWord, TLane, TRightWord> a)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        ArrayView<TLane> aTile = SharedMemory.Allocate<TLane>(Depth * Pitch), bTile = SharedMemory.Allocate<TLane>(Depth * Pitch);
        ArrayView<Quad<TLane>> aQuads = aTile.Cast<Quad<TLane>>(), bQuads = bTile.Cast<Quad<TLane>>();
        int thread = Group.IdxX, down = thread >> 4, across = thread & 15;

        int place = Grid.IdxX, tiles = place / a.Sizes.TilesAcross;
        int firstColumn = (place - tiles * a.Sizes.TilesAcross) * Tile;
        int pieces = tiles / a.Sizes.TilesDown;
        int firstRow = (tiles - pieces * a.Sizes.TilesDown) * Tile;
        int product = pieces / a.Sizes.Pieces, piece = pieces - product * a.Sizes.Pieces;
        int firstK = piece * a.Sizes.PieceLength;
        int endK = firstK + a.Sizes.PieceLength < a.Sizes.K ? firstK + a.Sizes.PieceLength : a.Sizes.K;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);
        int aStart = MatrixPlaces.Start(a.APlaces, batch), bStart = MatrixPlaces.Start(a.BPlaces, batch);

        // Neighbouring threads read along the axis that is dense in memory.
        bool aAlongK = a.APlaces.Column == 1, bAlongK = a.BPlaces.Column != 1 && a.BPlaces.Row == 1;
        int aK = aAlongK ? thread & 15 : thread >> 6, aRow = aAlongK ? thread >> 4 : thread & 63;
        int aStepK = aAlongK ? 0 : 4, aStepRow = aAlongK ? 16 : 0;
        int bK = bAlongK ? thread & 15 : thread >> 6, bColumn = bAlongK ? thread >> 4 : thread & 63;
        int bStepK = bAlongK ? 0 : 4, bStepColumn = bAlongK ? 16 : 0;

        Quad<TLane> sums0 = Quad<TLane>.Zero, sums1 = Quad<TLane>.Zero, sums2 = Quad<TLane>.Zero, sums3 = Quad<TLane>.Zero;
        TLane zero = TLane.Of(0f);

        // The barrier here ends the branches above for everybody, and the first step is never skipped: PoCL then sees that no
        // barrier depends on a condition, and makes half the code.
        int k0 = firstK;
        Group.Barrier();
        do
        {
            for (int part = 0; part < 4; part++)
            {
                int k = aK + part * aStepK, row = aRow + part * aStepRow;
                TLane left = zero, right = zero;
                if (k0 + k < endK && firstRow + row < a.Sizes.M)
                    left = TElement.Load(a.A[aStart + (firstRow + row) * a.APlaces.Row + (k0 + k) * a.APlaces.Column]);
                aTile[k * Pitch + row] = left;
                k = bK + part * bStepK;
                int column = bColumn + part * bStepColumn;
                if (k0 + k < endK && firstColumn + column < a.Sizes.N)
                    right = TRight.Load(a.B[bStart + (k0 + k) * a.BPlaces.Row + (firstColumn + column) * a.BPlaces.Column]);
                bTile[k * Pitch + column] = right;
            }

            // The tiles are whole before anybody multiplies; k0 and endK are the group's.
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                Quad<TLane> left = aQuads[k * QuadPitch + down], right = bQuads[k * QuadPitch + across];
                sums0 = Quad<TLane>.MulAdd(left.X, right, sums0);
                sums1 = Quad<TLane>.MulAdd(left.Y, right, sums1);
                sums2 = Quad<TLane>.MulAdd(left.Z, right, sums2);
                sums3 = Quad<TLane>.MulAdd(left.W, right, sums3);
            }

            // Nobody overwrites the tiles before all have read them.
            Group.Barrier();
            k0 += Depth;
        }
        while (k0 < endK);

        ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(
            a.Sizes, a.Result, product, piece, firstRow + down * 4, firstColumn + across * 4, sums0, sums1, sums2, sums3);
    }
}
