using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Engine.Tensors;

/// <summary>y = x of the same element type: whole stretches where both lie densely, square tiles where the axes are exchanged.</summary>
readonly unsafe struct CopyKernel(Tensor x, Tensor y) : IBitsKernel
{
    // A tile's lines of both tensors (32 rows of 32 elements) stay in the first-level cache while it is turned.
    const int Tile = 32;

    readonly Tensor x = x, y = y;

    public void Run<TBits>() where TBits : unmanaged, System.Numerics.IBinaryInteger<TBits>
    {
        TBits* px = CpuBackend.Pointer<TBits>(x), py = CpuBackend.Pointer<TBits>(y);
        StridedWalk walk = StridedWalk.Over(y, x);
        int turned = walk.TurnedAxis();
        if (turned >= 0)
        {
            Transpose(walk, turned, px, py);
            return;
        }

        bool dense = walk.IsDense(0) && walk.IsDense(1);
        walk.ForBlocks(dense || walk.Inner >= Map.Block ? Map.Grain : Map.Block, Map.Grain, (place, count) =>
        {
            int done = 0;
            while (done < count)
            {
                int length = dense ? count : (int)Math.Min(walk.Inner - place % walk.Inner, count - done);
                Line(px + walk.Offset(1, place), walk.InnerStride(1), py + walk.Offset(0, place), walk.InnerStride(0), length);
                done += length;
                place += length;
            }
        });
    }

    static void Line<T>(T* x, long xStride, T* y, long yStride, int length) where T : unmanaged
    {
        if (yStride == 1 && xStride == 1)
        {
            if (length >= 16) Buffer.MemoryCopy(x, y, (long)length * sizeof(T), (long)length * sizeof(T));
            else for (int i = 0; i < length; i++) y[i] = x[i];
        }
        else if (yStride == 1 && xStride == 0)
        {
            new Span<T>(y, length).Fill(*x);
        }
        else
        {
            for (int i = 0; i < length; i++) y[i * yStride] = x[i * xStride];
        }
    }

    static void Transpose<T>(StridedWalk walk, int turned, T* x, T* y) where T : unmanaged
    {
        int rows = walk.Extent(turned), columns = walk.Inner;
        long yRow = walk.Stride(0, turned), xColumn = walk.InnerStride(1);
        int bands = (rows + Tile - 1) / Tile;
        long planes = walk.Count / rows / columns;
        int items = checked((int)(planes * bands));

        void Band(int item)
        {
            (long plane, int band) = (item / bands, item % bands);
            long xOffset = 0, yOffset = 0;
            for (int axis = walk.Rank - 2; axis >= 0; axis--)
            {
                if (axis == turned) continue;
                (plane, long coordinate) = Math.DivRem(plane, walk.Extent(axis));
                xOffset += coordinate * walk.Stride(1, axis);
                yOffset += coordinate * walk.Stride(0, axis);
            }

            int firstRow = band * Tile, height = Math.Min(Tile, rows - firstRow);
            for (int column = 0; column < columns; column += Tile)
            {
                Turn(x + xOffset + firstRow + column * xColumn, xColumn, y + yOffset + firstRow * yRow + column, yRow,
                    height, Math.Min(Tile, columns - column));
            }
        }

        if (walk.Count <= Map.Grain) for (int item = 0; item < items; item++) Band(item);
        else Grouped(items, Math.Max(1, Map.Grain / (Tile * columns)), Band);
    }

    static void Grouped(int items, int each, Action<int> body) => ThreadTeam.For((items + each - 1) / each, group =>
    {
        int end = Math.Min(items, (group + 1) * each);
        for (int item = group * each; item < end; item++) body(item);
    });

    // y[r, c] = x[r + c * xColumn]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Turn<T>(T* x, long xColumn, T* y, long yRow, int height, int width) where T : unmanaged
    {
        int row = 0;
        if (sizeof(T) == 4 && Avx.IsSupported)
        {
            for (; row <= height - 8; row += 8)
            {
                int column = 0;
                for (; column <= width - 8; column += 8)
                    Turn8((float*)x + row + column * xColumn, xColumn, (float*)y + row * yRow + column, yRow);
                for (; column < width; column++)
                    for (int r = row; r < row + 8; r++) y[r * yRow + column] = x[r + column * xColumn];
            }
        }

        for (; row < height; row++)
            for (int column = 0; column < width; column++) y[row * yRow + column] = x[row + column * xColumn];
    }

    // Eight by eight: pairs, then pairs of pairs, then halves change places.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Turn8(float* x, long xColumn, float* y, long yRow)
    {
        Vector256<float> a = Avx.LoadVector256(x), b = Avx.LoadVector256(x + xColumn);
        Vector256<float> c = Avx.LoadVector256(x + 2 * xColumn), d = Avx.LoadVector256(x + 3 * xColumn);
        Vector256<float> e = Avx.LoadVector256(x + 4 * xColumn), f = Avx.LoadVector256(x + 5 * xColumn);
        Vector256<float> g = Avx.LoadVector256(x + 6 * xColumn), h = Avx.LoadVector256(x + 7 * xColumn);
        Vector256<float> abLow = Avx.UnpackLow(a, b), abHigh = Avx.UnpackHigh(a, b);
        Vector256<float> cdLow = Avx.UnpackLow(c, d), cdHigh = Avx.UnpackHigh(c, d);
        Vector256<float> efLow = Avx.UnpackLow(e, f), efHigh = Avx.UnpackHigh(e, f);
        Vector256<float> ghLow = Avx.UnpackLow(g, h), ghHigh = Avx.UnpackHigh(g, h);
        Vector256<float> first0 = Avx.Shuffle(abLow, cdLow, 0x44), second0 = Avx.Shuffle(efLow, ghLow, 0x44);
        Vector256<float> first1 = Avx.Shuffle(abLow, cdLow, 0xEE), second1 = Avx.Shuffle(efLow, ghLow, 0xEE);
        Vector256<float> first2 = Avx.Shuffle(abHigh, cdHigh, 0x44), second2 = Avx.Shuffle(efHigh, ghHigh, 0x44);
        Vector256<float> first3 = Avx.Shuffle(abHigh, cdHigh, 0xEE), second3 = Avx.Shuffle(efHigh, ghHigh, 0xEE);
        Avx.Store(y, Avx.Permute2x128(first0, second0, 0x20));
        Avx.Store(y + yRow, Avx.Permute2x128(first1, second1, 0x20));
        Avx.Store(y + 2 * yRow, Avx.Permute2x128(first2, second2, 0x20));
        Avx.Store(y + 3 * yRow, Avx.Permute2x128(first3, second3, 0x20));
        Avx.Store(y + 4 * yRow, Avx.Permute2x128(first0, second0, 0x31));
        Avx.Store(y + 5 * yRow, Avx.Permute2x128(first1, second1, 0x31));
        Avx.Store(y + 6 * yRow, Avx.Permute2x128(first2, second2, 0x31));
        Avx.Store(y + 7 * yRow, Avx.Permute2x128(first3, second3, 0x31));
    }
}

/// <summary>y = one value everywhere, already in y's element type.</summary>
readonly unsafe struct FillKernel(double value, Tensor y) : IElementKernel
{
    readonly double value = value;
    readonly Tensor y = y;

    public void Run<TElement>() where TElement : unmanaged, IElement<TElement>
    {
        TElement* py = CpuBackend.Pointer<TElement>(y);

        // Whole numbers beyond 2^53 do not occur as a double; everything else converts exactly or as Copy would.
        TElement element = TElement.From(value);
        StridedWalk walk = StridedWalk.Over(y);
        walk.ForBlocks(Map.Grain, Map.Grain, (place, count) =>
        {
            while (count > 0)
            {
                int length = (int)Math.Min(walk.Inner - place % walk.Inner, count);
                TElement* line = py + walk.Offset(0, place);
                long stride = walk.InnerStride(0);
                if (stride == 1) new Span<TElement>(line, length).Fill(element);
                else for (int i = 0; i < length; i++) line[i * stride] = element;
                place += length;
                count -= length;
            }
        });
    }
}
