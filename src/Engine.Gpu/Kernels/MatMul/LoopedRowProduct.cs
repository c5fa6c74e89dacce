using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// As <see cref="RowProduct"/>, for processors under OpenCL: a thread reads whole lines of the cache, and no other thread reads them again.
/// Without barriers the runtime has no reason to run all threads of a group through one step of K, with a line of the cache
/// for each of 256 columns.
/// </summary>
static class LoopedRowProduct
{
    /// <summary>Columns of a thread of <see cref="Across"/>.</summary>
    public const int Columns = 16;

    /// <summary>b dense along its rows: a thread computes 4 x 16 results over one piece of K.</summary>
    public static void Across<TActivation, TElement, TWord, TLane, TRight, TRightWord>(ProductArguments<TActivation, TWord, TLane, TRightWord> a)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        int place = Grid.IdxX, tiles = place / a.Sizes.TilesAcross;
        int column = ((place - tiles * a.Sizes.TilesAcross) * KernelLoader.GroupSize + Group.IdxX) * Columns;
        int pieces = tiles / a.Sizes.TilesDown, row = (tiles - pieces * a.Sizes.TilesDown) * RowProduct.Rows;
        int product = pieces / a.Sizes.Pieces, piece = pieces - product * a.Sizes.Pieces;
        if (column >= a.Sizes.N) return;
        int firstK = piece * a.Sizes.PieceLength;
        int endK = firstK + a.Sizes.PieceLength < a.Sizes.K ? firstK + a.Sizes.PieceLength : a.Sizes.K;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);

        // Beyond the last row stand copies of it, whose sums nobody keeps.
        int lastRow = a.Sizes.M - 1;
        int a0 = MatrixPlaces.Start(a.APlaces, batch) + row * a.APlaces.Row + firstK * a.APlaces.Column;
        int a1 = a0 + (row + 1 <= lastRow ? a.APlaces.Row : 0), a2 = a1 + (row + 2 <= lastRow ? a.APlaces.Row : 0), a3 = a2 + (row + 3 <= lastRow ? a.APlaces.Row : 0);
        int b = MatrixPlaces.Start(a.BPlaces, batch) + column * a.BPlaces.Column + firstK * a.BPlaces.Row, along = a.APlaces.Column;
        Sixteen<TLane> sums0 = Sixteen<TLane>.Zero, sums1 = sums0, sums2 = sums0, sums3 = sums0;
        if (a.BPlaces.Column == 1 && column + Columns <= a.Sizes.N)
        {
            for (int k = firstK; k < endK; k++)
            {
                Sixteen<TLane> right = new()
                {
                    First = RowProduct.Four<TRight, TRightWord, TLane>(a.B, b, 1),
                    Second = RowProduct.Four<TRight, TRightWord, TLane>(a.B, b + 4, 1),
                    Third = RowProduct.Four<TRight, TRightWord, TLane>(a.B, b + 8, 1),
                    Fourth = RowProduct.Four<TRight, TRightWord, TLane>(a.B, b + 12, 1),
                };
                sums0 = Sixteen<TLane>.MulAdd(TElement.Load(a.A[a0]), right, sums0);
                sums1 = Sixteen<TLane>.MulAdd(TElement.Load(a.A[a1]), right, sums1);
                sums2 = Sixteen<TLane>.MulAdd(TElement.Load(a.A[a2]), right, sums2);
                sums3 = Sixteen<TLane>.MulAdd(TElement.Load(a.A[a3]), right, sums3);
                a0 += along;
                a1 += along;
                a2 += along;
                a3 += along;
                b += a.BPlaces.Row;
            }

            ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column, sums0.First, sums1.First, sums2.First, sums3.First);
            ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column + 4, sums0.Second, sums1.Second, sums2.Second, sums3.Second);
            ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column + 8, sums0.Third, sums1.Third, sums2.Third, sums3.Third);
            ProductEpilogue.StoreQuads<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column + 12, sums0.Fourth, sums1.Fourth, sums2.Fourth, sums3.Fourth);
            return;
        }

        // The last columns, or strides on both axes: one column after another.
        int end = column + Columns < a.Sizes.N ? column + Columns : a.Sizes.N;
        for (; column < end; column++)
        {
            TLane sum0 = TLane.Of(0f), sum1 = sum0, sum2 = sum0, sum3 = sum0;
            int left = 0, from = b;
            for (int k = firstK; k < endK; k++)
            {
                TLane right = TRight.Load(a.B[from]);
                sum0 = TLane.MulAdd(TElement.Load(a.A[a0 + left]), right, sum0);
                sum1 = TLane.MulAdd(TElement.Load(a.A[a1 + left]), right, sum1);
                sum2 = TLane.MulAdd(TElement.Load(a.A[a2 + left]), right, sum2);
                sum3 = TLane.MulAdd(TElement.Load(a.A[a3 + left]), right, sum3);
                left += along;
                from += a.BPlaces.Row;
            }

            ProductEpilogue.StoreOne<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row, column, sum0);
            ProductEpilogue.StoreOne<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row + 1, column, sum1);
            ProductEpilogue.StoreOne<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row + 2, column, sum2);
            ProductEpilogue.StoreOne<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, piece, row + 3, column, sum3);
            b += a.BPlaces.Column;
        }
    }

    /// <summary>b dense along its columns: a thread reads one from end to end.</summary>
    public static void Dots<TActivation, TElement, TWord, TLane, TRight, TRightWord>(DotArguments<TActivation, TWord, TLane, TRightWord> arguments)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        ProductArguments<TActivation, TWord, TLane, TRightWord> a = arguments.Product;
        int place = Grid.IdxX, tiles = place / a.Sizes.TilesAcross, columns = 1 << arguments.LaneBits;
        int column = (place - tiles * a.Sizes.TilesAcross) * columns + Group.IdxX;
        int product = tiles / a.Sizes.TilesDown, row = (tiles - product * a.Sizes.TilesDown) * RowProduct.Rows;
        if (Group.IdxX >= columns || column >= a.Sizes.N) return;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);
        int end = row + RowProduct.Rows < a.Sizes.M ? row + RowProduct.Rows : a.Sizes.M, whole = a.Sizes.K & ~15, along = a.APlaces.Column;
        int origin = MatrixPlaces.Start(a.BPlaces, batch) + column * a.BPlaces.Column;

        // Row after row, the column in the first cache from the second one on; sixteen sums, so that none waits for the last.
        for (; row < end; row++)
        {
            int left = MatrixPlaces.Start(a.APlaces, batch) + row * a.APlaces.Row, right = origin;
            Quad<TLane> sums0 = Quad<TLane>.Zero, sums1 = sums0, sums2 = sums0, sums3 = sums0;
            if (along == 1)
            {
                // Both dense: the compiler makes vector loads of these.
                for (int k = 0; k < whole; k += 16)
                {
                    sums0 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left, 1), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right, 1), sums0);
                    sums1 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left + 4, 1), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right + 4, 1), sums1);
                    sums2 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left + 8, 1), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right + 8, 1), sums2);
                    sums3 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left + 12, 1), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right + 12, 1), sums3);
                    left += 16;
                    right += 16;
                }
            }
            else
            {
                for (int k = 0; k < whole; k += 16)
                {
                    sums0 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left, along), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right, 1), sums0);
                    sums1 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left + 4 * along, along), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right + 4, 1), sums1);
                    sums2 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left + 8 * along, along), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right + 8, 1), sums2);
                    sums3 = Quad<TLane>.MulAdd(RowProduct.Four<TElement, TWord, TLane>(a.A, left + 12 * along, along), RowProduct.Four<TRight, TRightWord, TLane>(a.B, right + 12, 1), sums3);
                    left += 16 * along;
                    right += 16;
                }
            }

            TLane sum = (Quad<TLane>.Sum(sums0) + Quad<TLane>.Sum(sums1)) + (Quad<TLane>.Sum(sums2) + Quad<TLane>.Sum(sums3));
            for (int k = whole; k < a.Sizes.K; k++)
            {
                sum = TLane.MulAdd(TElement.Load(a.A[left]), TRight.Load(a.B[right]), sum);
                left += along;
                right++;
            }

            ProductEpilogue.StoreOne<TActivation, TElement, TWord, TLane>(a.Sizes, a.Result, product, 0, row, column, sum);
        }
    }
}
