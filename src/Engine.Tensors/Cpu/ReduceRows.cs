using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>Folds dense rows onto each other, column by column: each output from the same column of many rows.</summary>
/// <remarks>
/// Sixty-four rows are folded in sequence, four at a time so that the running row is read and written once for four;
/// sixteen such runs pairwise; what 1024 rows give is a row of a smaller problem of the same kind.
/// </remarks>
static unsafe class FoldRows<TOp, TLane, T>
    where TOp : struct, IReduction
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    const int Run64 = 64, Stage = 1024;

    // Columns of one piece of work: the running rows of all levels stay in the first-level cache.
    const int Strip = 512, Levels = 6;

    public static void Run(TOp op, Tensor x, Tensor y, StridedWalk kept, StridedWalk folded)
    {
        T* px = CpuBackend.Pointer<T>(x), py = CpuBackend.Pointer<T>(y);
        int columns = kept.Inner, strips = (columns + Strip - 1) / Strip;
        int planes = checked((int)(kept.Count / columns));
        long rows = folded.Count;
        int stages = checked((int)((rows + Stage - 1) / Stage));
        if (stages == 1)
        {
            Share(checked(planes * strips), rows * Math.Min(columns, Strip), [SkipLocalsInit] (item) =>
            {
                int first = item % strips * Strip, count = Math.Min(Strip, columns - first);
                long place = (long)(item / strips) * columns + first;
                T* result = stackalloc T[Strip];
                Fold(op, true, px + kept.Offset(0, place), folded, 0, (int)rows, count, result);
                Put(result, count, py + kept.Offset(1, place), kept.InnerStride(1));
            });
            return;
        }

        T[] partials = new T[(long)planes * stages * columns];
        fixed (T* held = partials)
        {
            T* partial = held;
            Share(checked(planes * stages * strips), (long)Stage * Math.Min(columns, Strip), [SkipLocalsInit] (item) =>
            {
                int strip = item % strips, stage = item / strips % stages, plane = item / strips / stages;
                int first = strip * Strip, count = Math.Min(Strip, columns - first);
                T* result = stackalloc T[Strip];
                int height = (int)Math.Min(Stage, rows - (long)stage * Stage);
                Fold(op, true, px + kept.Offset(0, (long)plane * columns + first), folded, (long)stage * Stage, height, count, result);
                Put(result, count, partial + ((long)plane * stages + stage) * columns + first, 1);
            });

            for (int plane = 0; plane < planes; plane++)
            {
                T* rest = partial + (long)plane * stages * columns;
                Collapse(op, rest, stages, columns);
                Put(rest, columns, py + kept.Offset(1, (long)plane * columns), kept.InnerStride(1));
            }
        }
    }

    // Rows of a dense matrix folded into its first row, stage by stage.
    [SkipLocalsInit]
    static void Collapse(TOp op, T* matrix, int rows, int columns)
    {
        T* result = stackalloc T[Strip];
        while (rows > 1)
        {
            int stages = (rows + Stage - 1) / Stage;
            for (int stage = 0; stage < stages; stage++)
            {
                for (int first = 0; first < columns; first += Strip)
                {
                    int count = Math.Min(Strip, columns - first);
                    T* origin = matrix + (long)stage * Stage * columns + first;
                    Fold(op, false, origin, columns, Math.Min(Stage, rows - stage * Stage), count, result);
                    Put(result, count, matrix + (long)stage * columns + first, 1);
                }
            }

            rows = stages;
        }
    }

    static void Share(int items, long size, Action<int> body)
    {
        int each = (int)Math.Max(1, Map.Grain / size), groups = (items + each - 1) / each;
        if (groups == 1) Group(0);
        else ThreadTeam.For(groups, Group);

        void Group(int group)
        {
            int end = Math.Min(items, (group + 1) * each);
            for (int item = group * each; item < end; item++) body(item);
        }
    }

    static void Put(T* result, int count, T* target, long stride)
    {
        for (int i = 0; i < count; i++) target[i * stride] = result[i];
    }

    [SkipLocalsInit]
    static void Fold(TOp op, bool map, T* x, StridedWalk folded, long firstRow, int rows, int columns, T* result)
    {
        T** starts = stackalloc T*[Stage];
        for (int row = 0; row < rows; row++) starts[row] = x + folded.Offset(0, firstRow + row);
        Fold(op, map, starts, rows, columns, result);
    }

    [SkipLocalsInit]
    static void Fold(TOp op, bool map, T* x, long stride, int rows, int columns, T* result)
    {
        T** starts = stackalloc T*[Stage];
        for (int row = 0; row < rows; row++) starts[row] = x + row * stride;
        Fold(op, map, starts, rows, columns, result);
    }

    // Runs of 64 rows, combined pairwise as they come: level l holds 2^l runs.
    [SkipLocalsInit]
    static void Fold(TOp op, bool map, T** rows, int count, int columns, T* result)
    {
        int runs = (count + Run64 - 1) / Run64;
        T* levels = stackalloc T[Levels * Strip];
        for (int run = 0; run < runs; run++)
        {
            int level = 0;
            for (int carry = run; (carry & 1) != 0; carry >>= 1) level++;
            T* target = levels + level * Strip;
            T* made = levels + (Levels - 1) * Strip;
            Sequence(op, map, rows + run * Run64, Math.Min(Run64, count - run * Run64), columns, made);
            for (int lower = 0; lower < level; lower++) Join(op, levels + lower * Strip, made, columns, made);
            Copy(made, target, columns);
        }

        bool any = false;
        for (int level = 0; runs >> level != 0; level++)
        {
            if ((runs >> level & 1) == 0) continue;
            if (any) Join(op, levels + level * Strip, result, columns, result);
            else Copy(levels + level * Strip, result, columns);
            any = true;
        }
    }

    static void Copy(T* from, T* to, int count) => new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(to, count));

    // Strips are whole vectors long, so the lanes beyond the last column may hold anything.
    static void Join(TOp op, T* a, T* b, int columns, T* y)
    {
        for (int i = 0; i < columns; i += TLane.Count) TLane.Store(op.Combine(TLane.Load(a + i), TLane.Load(b + i)), y + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    static void Sequence(TOp op, bool map, T** rows, int count, int columns, T* y)
    {
        int width = TLane.Count, whole = columns / width * width;
        int row = count % 4 == 0 ? 4 : count % 4;
        for (int i = 0; i < whole; i += width)
        {
            TLane total = Load(op, map, rows[0] + i);
            for (int r = 1; r < row; r++) total = op.Combine(total, Load(op, map, rows[r] + i));
            TLane.Store(total, y + i);
        }

        for (; row < count; row += 4)
        {
            T* a = rows[row], b = rows[row + 1], c = rows[row + 2], d = rows[row + 3];
            for (int i = 0; i < whole; i += width)
            {
                TLane four = op.Combine(
                    op.Combine(Load(op, map, a + i), Load(op, map, b + i)), op.Combine(Load(op, map, c + i), Load(op, map, d + i)));
                TLane.Store(op.Combine(TLane.Load(y + i), four), y + i);
            }
        }

        if (whole < columns) Narrow(op, map, rows, count, columns - whole, whole, y + whole);
    }

    // The last columns, fewer than a vector holds, in the same order of folding.
    static void Narrow(TOp op, bool map, T** rows, int count, int columns, int first, T* y)
    {
        T* lanes = stackalloc T[4 * TLane.Count];
        int row = count % 4 == 0 ? 4 : count % 4;
        TLane total = Partial(op, map, rows[0] + first, columns, lanes);
        for (int r = 1; r < row; r++) total = op.Combine(total, Partial(op, map, rows[r] + first, columns, lanes));
        for (; row < count; row += 4)
        {
            TLane a = Partial(op, map, rows[row] + first, columns, lanes), b = Partial(op, map, rows[row + 1] + first, columns, lanes);
            TLane c = Partial(op, map, rows[row + 2] + first, columns, lanes), d = Partial(op, map, rows[row + 3] + first, columns, lanes);
            total = op.Combine(total, op.Combine(op.Combine(a, b), op.Combine(c, d)));
        }

        TLane.Store(total, y);
    }

    static TLane Partial(TOp op, bool map, T* x, int count, T* lanes)
    {
        for (int i = 0; i < count; i++) lanes[i] = x[i];
        return Load(op, map, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TLane Load(TOp op, bool map, T* x) => map ? op.Map(TLane.Load(x)) : TLane.Load(x);
}
