using System.Numerics;

namespace Engine.Tensors;

/// <summary>
/// Attention, tile of keys by tile of keys with a running softmax (Dao et al. 2022). A task takes some queries of all heads
/// that share one head of keys and values: it packs a tile of keys and values once, then each block of queries computes its
/// scores, exponentiates them and multiplies them with the values while they are in cache. A sequence of one tile, such as a
/// ViT's, is a plain softmax.
/// </summary>
unsafe ref struct AttentionForward<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    readonly AttentionProblem<T> p;
    readonly int batch, group, firstRow, rowCount;
    readonly int tileKeys;
    readonly int queryStride, scoreStride, outputStride;

    // Packed: keys as columns [key panels][D], values [value panels][keys].
    T* keyPanels, valuePanels;

    // One block of queries: scaled queries, scores, sums of values, and what the sums so far are multiplied with.
    T* queries, scores, outputs, rescale;

    // Of every row of the task: the largest score so far and the sum of exponentials relative to it.
    T* largest, sums;

    T* maskRow;

    AttentionForward(in AttentionProblem<T> problem, int task, int chunks)
    {
        p = problem;
        (int pair, int chunk) = Math.DivRem(task, chunks);
        (batch, group) = Math.DivRem(pair, p.Groups);
        int blocks = Blocks(p);
        firstRow = (int)((long)blocks * chunk / chunks) * AttentionBlocking.QueryRows;
        rowCount = Math.Min((int)((long)blocks * (chunk + 1) / chunks) * AttentionBlocking.QueryRows, p.Queries) - firstRow;
        tileKeys = AttentionBlocking.TileKeys(p.Keys, p.Width, p.ValueWidth);
        int columns = TileProduct<TLane, T>.TileColumns;
        queryStride = AttentionBlocking.RowStride<T>(p.Width);
        scoreStride = AttentionBlocking.RowStride<T>(AttentionBlocking.RoundUp(tileKeys, columns));
        outputStride = AttentionBlocking.RoundUp(p.ValueWidth, columns);
    }

    /// <summary>Computes y and logSumExp.</summary>
    public static void Run(in AttentionProblem<T> problem)
    {
        // A row's result does not depend on how blocks are dealt out, so the number of tasks may follow the threads.
        AttentionProblem<T> p = problem;
        int pairs = p.Batch * p.Groups, wanted = 4 * ThreadTeam.Threads;
        int chunks = ThreadTeam.Threads == 1 ? 1 : Math.Clamp((wanted + pairs - 1) / pairs, 1, Blocks(p));
        AttentionBlocking.Share(pairs * chunks, p.Work, task => new AttentionForward<TLane, T>(p, task, chunks).Compute());
    }

    static int Blocks(in AttentionProblem<T> p) => (p.Queries + AttentionBlocking.QueryRows - 1) / AttentionBlocking.QueryRows;

    void Compute()
    {
        Allocate();
        int tiles = (p.Keys + tileKeys - 1) / tileKeys;
        for (int tile = 0; tile < tiles; tile++)
        {
            int key = tile * tileKeys, keys = Math.Min(tileKeys, p.Keys - key);
            if (tile > 0 && p.Seen(firstRow + rowCount - 1, key, keys) == 0) break;
            Pack(key, keys);
            for (int i = 0; i < p.HeadsPerGroup; i++)
            {
                int head = group * p.HeadsPerGroup + i;
                T* shared = p.Mask.Exists && p.Mask.IsSameForAllQueries ? p.Mask.Row(batch, head, 0, key, keys, maskRow) : null;
                for (int row = 0; row < rowCount; row += AttentionBlocking.QueryRows)
                    Block(head, i * rowCount + row, firstRow + row, Math.Min(AttentionBlocking.QueryRows, rowCount - row), key, keys, shared, tiles);
            }
        }

        Finish(tiles);
    }

    void Allocate()
    {
        int columns = TileProduct<TLane, T>.TileColumns, states = AttentionBlocking.RoundUp(p.HeadsPerGroup * rowCount, 16);
        int packedKeys = AttentionBlocking.RoundUp(tileKeys, columns) * p.Width + 16;
        int packedValues = outputStride * tileKeys + 16;
        int block = AttentionBlocking.QueryRows;
        T* room = GemmScratch.Block<T>(packedKeys + packedValues + block * (queryStride + scoreStride + outputStride + 1) + 2 * states + scoreStride);
        keyPanels = room;
        valuePanels = keyPanels + AttentionBlocking.RoundUp(packedKeys, 16);
        queries = valuePanels + AttentionBlocking.RoundUp(packedValues, 16);
        scores = queries + block * queryStride;
        outputs = scores + block * scoreStride;
        rescale = outputs + block * outputStride;
        largest = rescale + block;
        sums = largest + states;
        maskRow = sums + states;
        new Span<T>(largest, states).Fill(T.NegativeInfinity);
        new Span<T>(sums, states).Clear();
    }

    readonly void Pack(int key, int keys)
    {
        int columns = TileProduct<TLane, T>.TileColumns;
        GemmPacking<TLane, T>.Pack(p.Key.At(batch, group, key), p.Key.RowStride, 1, keys, p.Width, columns, keyPanels);
        GemmPacking<TLane, T>.Pack(p.Value.At(batch, group, key), 1, p.Value.RowStride, p.ValueWidth, keys, columns, valuePanels);
    }

    readonly void Block(int head, int state, int row, int rows, int key, int keys, T* sharedMask, int tiles)
    {
        int seen = p.Seen(row + rows - 1, key, keys), columns = TileProduct<TLane, T>.TileColumns;
        if (seen == 0)
        {
            // Keys are seen in order: who sees none of the first tile sees none at all.
            if (key == 0)
                for (int r = 0; r < rows; r++) new Span<T>(p.Y.At(batch, head, row + r), p.ValueWidth).Clear();
            return;
        }

        AttentionRows<TLane, T>.Load(p.Query.At(batch, head, row), p.Query.RowStride, p.Width, p.Scale, rows, queries, queryStride);
        TileProduct<TLane, T>.Multiply(rows, seen, p.Width, queries, queryStride, keyPanels, (nint)p.Width * columns, scores, scoreStride);
        for (int r = 0; r < rows; r++) Softmax(state + r, head, row + r, r, key, seen, sharedMask);
        TileProduct<TLane, T>.Multiply(rows, p.ValueWidth, seen, scores, scoreStride, valuePanels, (nint)keys * columns, outputs, outputStride);
        for (int r = 0; r < rows; r++)
        {
            T* y = p.Y.At(batch, head, row + r), sum = outputs + r * outputStride;
            if (tiles == 1) RowMath<TLane, T>.Multiply(sum, Inverse(sums[state + r]), y, p.ValueWidth);
            else if (key == 0) new Span<T>(sum, p.ValueWidth).CopyTo(new(y, p.ValueWidth));
            else RowMath<TLane, T>.MultiplyAdd(sum, T.One, rescale[r], y, p.ValueWidth);
        }
    }

    readonly void Softmax(int state, int head, int row, int r, int key, int seen, T* sharedMask)
    {
        T* s = scores + r * scoreStride;
        AttentionRows<TLane, T>.Mask(p, batch, head, row, key, seen, sharedMask, maskRow, s);
        int end = AttentionBlocking.RoundUp(seen, TLane.Count);
        T before = largest[state], most = RowMath<TLane, T>.Largest(s, end);
        if (before > most) most = before;

        // A row that has seen nobody yet has nothing but minus infinity: any finite shift makes it zeros.
        T shift = T.IsNegativeInfinity(most) ? T.Zero : most;
        T sum = RowMath<TLane, T>.SumExp(s, end, shift, s);
        T factor = key == 0 ? T.Zero : T.Exp(before - shift);
        rescale[r] = factor;
        sums[state] = sums[state] * factor + sum;
        largest[state] = most;
    }

    readonly void Finish(int tiles)
    {
        int states = p.HeadsPerGroup * rowCount;
        for (int i = 0; i < p.HeadsPerGroup; i++)
        {
            int head = group * p.HeadsPerGroup + i;
            for (int row = 0; tiles > 1 && row < rowCount; row++)
            {
                T* y = p.Y.At(batch, head, firstRow + row);
                RowMath<TLane, T>.Multiply(y, Inverse(sums[i * rowCount + row]), y, p.ValueWidth);
            }
        }

        // Where nobody is seen: minus infinity plus log 0.
        for (int i = 0; i < states; i += TLane.Count) TLane.Store(TLane.Load(largest + i) + TLane.Log(TLane.Load(sums + i)), largest + i);
        for (int i = 0; i < p.HeadsPerGroup; i++)
            new Span<T>(largest + i * rowCount, rowCount).CopyTo(new(p.LogSumExpAt(batch, group * p.HeadsPerGroup + i, firstRow), rowCount));
    }

    static T Inverse(T sum) => sum == T.Zero ? T.Zero : T.One / sum;
}
