using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// As <see cref="RowProduct.Dots"/>, for processors under OpenCL: a thread reads whole columns. Without barriers the runtime has no
/// reason to run all threads of a group through one step of K, with a line of the cache for each of 256 columns.
/// </summary>
static class LoopedRowProduct
{
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
