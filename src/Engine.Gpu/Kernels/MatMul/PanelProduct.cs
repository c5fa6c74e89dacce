using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Sixteen neighbours of a row of b, or of the sums: two vectors of a processor with 256-bit registers.</summary>
struct Sixteen<TLane> where TLane : unmanaged, ILane<TLane>
{
    public Quad<TLane> First, Second, Third, Fourth;

    public static Sixteen<TLane> Zero => new() { First = Quad<TLane>.Zero, Second = Quad<TLane>.Zero, Third = Quad<TLane>.Zero, Fourth = Quad<TLane>.Zero };

    /// <summary>a b + c with one factor for all.</summary>
    public static Sixteen<TLane> MulAdd(TLane a, Sixteen<TLane> b, Sixteen<TLane> c) => new()
    {
        First = Quad<TLane>.MulAdd(a, b.First, c.First),
        Second = Quad<TLane>.MulAdd(a, b.Second, c.Second),
        Third = Quad<TLane>.MulAdd(a, b.Third, c.Third),
        Fourth = Quad<TLane>.MulAdd(a, b.Fourth, c.Fourth),
    };
}

/// <summary>Arguments of <see cref="PanelProduct"/>.</summary>
struct PanelProductArguments<TActivation, TWord, TLane>
    where TActivation : struct
    where TWord : unmanaged
    where TLane : unmanaged, ILane<TLane>
{
    /// <summary>Panels [product, tile down, K, 6] of a and [product, tile across, K, 16] of b.</summary>
    public ArrayView<TLane> A;
    public ArrayView<Quad<TLane>> B;
    public ProductSizes Sizes;

    /// <summary>Tiles of a group down and across, and groups down and across.</summary>
    public int Down, Across, GroupsDown, GroupsAcross;
    public ProductResult<TActivation, TWord, TLane> Result;
}

/// <summary>
/// The product for processors under OpenCL, where a group is a loop on one core: no barriers, no shared memory. A thread
/// computes 6 x 16 results from packed panels; the sums fill twelve of sixteen vector registers. A group's threads run down the rows
/// first: they share a panel of b in the first cache, and the group its panels of a in the second.
/// </summary>
static class PanelProduct
{
    /// <summary>Rows of a thread.</summary>
    public const int Rows = 6;

    /// <summary>Columns of a thread.</summary>
    public const int Columns = 16;

    const int Quads = Columns / 4;

    public static void Run<TActivation, TElement, TWord, TLane>(PanelProductArguments<TActivation, TWord, TLane> a)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int within = Group.IdxX / a.Down, group = Grid.IdxX / a.GroupsAcross;
        int across = (Grid.IdxX - group * a.GroupsAcross) * a.Across + within;
        int product = group / a.GroupsDown;
        int down = (group - product * a.GroupsDown) * a.Down + Group.IdxX - within * a.Down;
        if (within >= a.Across || across >= a.Sizes.TilesAcross || down >= a.Sizes.TilesDown) return;

        int left = (product * a.Sizes.TilesDown + down) * a.Sizes.K * Rows, right = (product * a.Sizes.TilesAcross + across) * a.Sizes.K * Quads;
        Sixteen<TLane> sums0 = Sixteen<TLane>.Zero, sums1 = sums0, sums2 = sums0, sums3 = sums0, sums4 = sums0, sums5 = sums0;
        for (int k = 0; k < a.Sizes.K; k++)
        {
            Sixteen<TLane> b = new() { First = a.B[right], Second = a.B[right + 1], Third = a.B[right + 2], Fourth = a.B[right + 3] };
            sums0 = Sixteen<TLane>.MulAdd(a.A[left], b, sums0);
            sums1 = Sixteen<TLane>.MulAdd(a.A[left + 1], b, sums1);
            sums2 = Sixteen<TLane>.MulAdd(a.A[left + 2], b, sums2);
            sums3 = Sixteen<TLane>.MulAdd(a.A[left + 3], b, sums3);
            sums4 = Sixteen<TLane>.MulAdd(a.A[left + 4], b, sums4);
            sums5 = Sixteen<TLane>.MulAdd(a.A[left + 5], b, sums5);
            left += Rows;
            right += Quads;
        }

        // In the thread's own memory, so that rows of sums leave the registers as vectors whatever the epilogue is. Slow on a
        // real GPU, the first cache here.
        ArrayView<Quad<TLane>> tile = LocalMemory.Allocate<Quad<TLane>>(Rows * Quads);
        Keep(tile, 0, sums0);
        Keep(tile, Quads, sums1);
        Keep(tile, 2 * Quads, sums2);
        Keep(tile, 3 * Quads, sums3);
        Keep(tile, 4 * Quads, sums4);
        Keep(tile, 5 * Quads, sums5);
        ArrayView<TLane> sums = tile.Cast<TLane>();

        int firstRow = down * Rows, firstColumn = across * Columns;
        int rows = a.Sizes.M - firstRow < Rows ? a.Sizes.M - firstRow : Rows, columns = a.Sizes.N - firstColumn < Columns ? a.Sizes.N - firstColumn : Columns;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);
        int y = MatrixPlaces.Start(a.Result.YPlaces, batch), linear = MatrixPlaces.Start(a.Result.LinearPlaces, batch);
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
                ProductEpilogue.Store<TActivation, TElement, TWord, TLane>(a.Result, y, linear, firstRow + row, firstColumn + column, sums[row * Columns + column]);
    }

    static void Keep<TLane>(ArrayView<Quad<TLane>> tile, int place, Sixteen<TLane> sums) where TLane : unmanaged, ILane<TLane>
    {
        tile[place] = sums.First;
        tile[place + 1] = sums.Second;
        tile[place + 2] = sums.Third;
        tile[place + 3] = sums.Fourth;
    }
}
