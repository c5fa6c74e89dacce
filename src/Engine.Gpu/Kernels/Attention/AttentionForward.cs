using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// softmax(scale q k^T + mask) v with a running softmax (Dao et al. 2022, 2023). A block of threads owns a tile of queries of
/// one head, and Side columns of the values, or twice as many: it reads its queries and all keys that these see once, and the columns of the
/// values once. Scores live in registers and shared memory alone.
/// </summary>
static class AttentionForward
{
    /// <summary>Groups over heads, tiles of queries, and pieces of Dv, the last innermost.</summary>
    public static void Run<TTile, TElement, TWord, TLane>(AttentionArguments<TWord, TLane> a)
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<Quad<TLane>> scores = SharedMemory.Allocate<Quad<TLane>>(AttentionParts<TTile, TElement, TWord, TLane>.ScoreQuads);
        ArrayView<Quad<TLane>> stage = SharedMemory.Allocate<Quad<TLane>>(AttentionParts<TTile, TElement, TWord, TLane>.StageQuads);
        ArrayView<TLane> partial = SharedMemory.Allocate<TLane>(KernelLoader.GroupSize);
        ArrayView<Quad<TLane>> factors = SharedMemory.Allocate<Quad<TLane>>(KernelLoader.GroupSize / 4);
        ArrayView<TLane> scoreNumbers = scores.Cast<TLane>(), factorNumbers = factors.Cast<TLane>();
        AttentionOperands<TWord> o = a.Operands;

        // Which head, which queries, which columns of the values.
        int block = Group.IdxX / TTile.Threads, lane = Group.IdxX % TTile.Threads;
        int tiles = (o.Queries + TTile.Side - 1) / TTile.Side;
        int chunk = Grid.IdxX % a.Chunks, tileOfAll = Grid.IdxX / a.Chunks;

        // Under a causal mask the last queries have the most to do: they begin.
        int firstQuery = (tiles - 1 - tileOfAll % tiles) * TTile.Side;
        int pair = tileOfAll / tiles * TTile.Blocks + block;
        bool idle = pair >= a.Pairs;
        if (idle) pair = 0;
        int batch = pair / o.Heads, head = pair % o.Heads, group = head / o.HeadsPerGroup;
        int rows = idle ? 0 : IntrinsicMath.Min(TTile.Side, o.Queries - firstQuery);
        int firstColumn = chunk * TTile.Side * TTile.Pieces, columns = o.ValueWidth - firstColumn;
        int query = HeadSteps.At(o.QuerySteps, batch, head) + firstQuery * o.QuerySteps.Row;
        int key = HeadSteps.At(o.KeySteps, batch, group), value = HeadSteps.At(o.ValueSteps, batch, group) + firstColumn;
        int mask = AttentionMasks<TElement, TWord, TLane>.Place(o, batch, head);

        // As part of the products: four rows and four columns. For the softmax: one row, 16 of a tile's keys.
        int row = lane / (TTile.Side / 4), column = lane % (TTile.Side / 4);
        int softmaxRow = lane % TTile.Side, part = lane / TTile.Side;
        int scoreBase = block * (TTile.Side * TTile.Pitch);
        int rowScores = scoreBase * 4 + softmaxRow, rowPartials = block * TTile.Threads + softmaxRow, rowFactor = block * TTile.Side + softmaxRow;
        TLane largest = TLane.Of(float.NegativeInfinity), sum = TLane.Of(0f);
        QuadRows<TLane> y = default, more = default;

        // The end is that of the last query of the tile, the same for the whole group.
        int end = AttentionMasks<TElement, TWord, TLane>.Seen(o, firstQuery, IntrinsicMath.Min(TTile.Side, o.Queries - firstQuery));
        for (int firstKey = 0; firstKey < end; firstKey += TTile.Side)
        {
            int keys = IntrinsicMath.Min(TTile.Side, end - firstKey), keysHere = idle ? 0 : keys;
            QuadRows<TLane> s = AttentionParts<TTile, TElement, TWord, TLane>.ProductOfRows(
                o.Query, query, o.QuerySteps.Row, rows, o.Key, key + firstKey * o.KeySteps.Row, o.KeySteps.Row, keysHere, o.Width, stage, block, lane);
            s.R0 = AttentionMasks<TElement, TWord, TLane>.Apply(o, mask, firstQuery + row * 4, firstKey + column * 4, s.R0);
            s.R1 = AttentionMasks<TElement, TWord, TLane>.Apply(o, mask, firstQuery + row * 4 + 1, firstKey + column * 4, s.R1);
            s.R2 = AttentionMasks<TElement, TWord, TLane>.Apply(o, mask, firstQuery + row * 4 + 2, firstKey + column * 4, s.R2);
            s.R3 = AttentionMasks<TElement, TWord, TLane>.Apply(o, mask, firstQuery + row * 4 + 3, firstKey + column * 4, s.R3);
            AttentionParts<TTile, TElement, TWord, TLane>.StoreTransposed(s, scores, scoreBase, row, column);

            // The scores of a row come from several threads.
            Group.Barrier();
            int mine = IntrinsicMath.Min(16, keysHere - part * 16);
            TLane most = TLane.Of(float.NegativeInfinity);
            for (int k = 0; k < mine; k++) most = TLane.Max(most, scoreNumbers[rowScores + (part * 16 + k) * (TTile.Pitch * 4)]);
            partial[rowPartials + part * TTile.Side] = most;

            // Each part's largest is there.
            Group.Barrier();
            most = largest;
            for (int i = 0; i < TTile.Threads / TTile.Side; i++) most = TLane.Max(most, partial[rowPartials + i * TTile.Side]);

            // A row that has seen nobody yet has nothing but minus infinity: any finite shift makes it zeros.
            TLane shift = TLane.IfGreater(most, TLane.Of(float.NegativeInfinity), most, TLane.Of(0f));
            TLane factor = TLane.Exp(largest - shift);
            sum *= factor;
            largest = most;
            for (int k = 0; k < mine; k++)
            {
                int place = rowScores + (part * 16 + k) * (TTile.Pitch * 4);
                TLane probability = TLane.Exp(scoreNumbers[place] - shift);
                scoreNumbers[place] = probability;
                sum += probability;
            }

            if (part == 0) factorNumbers[rowFactor] = factor;

            // The factors of all rows are there.
            Group.Barrier();
            Quad<TLane> scale = factors[block * (TTile.Side / 4) + row];
            y = AttentionParts<TTile, TElement, TWord, TLane>.SumOfRows(
                o.Value, value + firstKey * o.ValueSteps.Row, o.ValueSteps.Row, keys, keysHere, rows, columns, scores, stage, block, lane,
                QuadRows<TLane>.ScaleRows(scale, y));
            if (TTile.Pieces > 1)
                more = AttentionParts<TTile, TElement, TWord, TLane>.SumOfRows(
                    o.Value, value + TTile.Side + firstKey * o.ValueSteps.Row, o.ValueSteps.Row, keys, keysHere, rows, columns - TTile.Side, scores, stage, block, lane,
                    QuadRows<TLane>.ScaleRows(scale, more));
        }

        partial[rowPartials + part * TTile.Side] = sum;

        // Each part's sum is there; the thread of part 0 adds them in their order.
        Group.Barrier();
        if (part == 0)
        {
            TLane total = TLane.Of(0f);
            for (int i = 0; i < TTile.Threads / TTile.Side; i++) total += partial[rowPartials + i * TTile.Side];
            factorNumbers[rowFactor] = Inverse(total);
            if (softmaxRow < rows && chunk == 0) a.LogSumExp[pair * o.Queries + firstQuery + softmaxRow] = LogSumExp(largest, total);
        }

        // The factors of all rows are there.
        Group.Barrier();
        Quad<TLane> inverse = factors[block * (TTile.Side / 4) + row];
        int target = HeadSteps.At(a.YSteps, batch, head) + (firstQuery + row * 4) * a.YSteps.Row + firstColumn + column * 4;
        columns -= column * 4;
        AttentionParts<TTile, TElement, TWord, TLane>.Store(QuadRows<TLane>.ScaleRows(inverse, y), a.Y, target, a.YSteps.Row, rows - row * 4, IntrinsicMath.Min(columns, TTile.Side - column * 4));
        if (TTile.Pieces > 1)
            AttentionParts<TTile, TElement, TWord, TLane>.Store(QuadRows<TLane>.ScaleRows(inverse, more), a.Y, target + TTile.Side, a.YSteps.Row, rows - row * 4, columns - TTile.Side);
    }

    /// <summary>What a row is divided by; a row that sees nobody becomes 0.</summary>
    public static TLane Inverse<TLane>(TLane sum) where TLane : unmanaged, ILane<TLane>
    {
        // 0 gives 1 / 1 - 1; a NaN stays one.
        TLane zero = TLane.Of(0f), one = TLane.Of(1f);
        TLane inverse = one / TLane.IfGreater(sum, zero, sum, sum + one);
        return TLane.IfGreater(sum, zero, inverse, inverse - one);
    }

    /// <summary>log of the sum of e^score; minus infinity where nobody is seen.</summary>
    public static TLane LogSumExp<TLane>(TLane largest, TLane sum) where TLane : unmanaged, ILane<TLane> => largest + TLane.Log(sum);
}
