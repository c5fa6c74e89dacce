using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>The tensors that only the gradient of attention has; what is null is not computed.</summary>
readonly unsafe struct AttentionGradients<T>(Tensor dy, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask) where T : unmanaged
{
    public readonly HeadRows<T> DY = new(dy), DQuery = Rows(dquery), DKey = Rows(dkey), DValue = Rows(dvalue);

    public readonly bool WantsQuery = dquery is not null, WantsKey = dkey is not null, WantsValue = dvalue is not null;

    static HeadRows<T> Rows(Tensor? gradient) => gradient is null ? default : new(gradient);

    /// <summary>Dense [B, H, N, M], or null.</summary>
    public readonly T* DMask = dmask is null ? null : CpuBackend.Pointer<T>(dmask);
}

/// <summary>
/// The gradient of attention. The probabilities P are computed again from queries, keys and logSumExp (Dao et al. 2022,
/// algorithm 4), a block of queries against a tile of keys at a time; with delta = sum(dy y) of each row
/// dV = P^T dy, dP = dy V^T, dS = P (dP - delta), dQ = scale dS K, dK = scale dS^T Q.
/// </summary>
/// <remarks>
/// A task owns one head of keys and values with all queries that look at it, and walks through them in a fixed order: dK and
/// dV of a tile are summed in scratch memory, dQ over the tiles in its own place.
/// </remarks>
unsafe ref struct AttentionBackward<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    readonly AttentionProblem<T> p;
    readonly AttentionGradients<T> g;
    readonly int batch, group;
    readonly int tileKeys;
    readonly int queryStride, valueStride, scoreStride;

    // Packed: keys as columns, values as columns, keys as rows.
    T* keyColumns, valueColumns, keyRows;

    // Sums over all queries for one tile of keys.
    T* dkeys, dvalues;

    // One block of queries.
    T* queries, dys, probabilities, dscores, dqueries, deltas, logSums;

    T* maskRow;

    AttentionBackward(in AttentionProblem<T> problem, in AttentionGradients<T> gradients, int task)
    {
        (p, g) = (problem, gradients);
        (batch, group) = Math.DivRem(task, p.Groups);
        tileKeys = AttentionBlocking.TileKeys(p.Keys, p.Width, p.ValueWidth);
        int columns = TileProduct<TLane, T>.TileColumns;
        queryStride = AttentionBlocking.RowStride<T>(AttentionBlocking.RoundUp(p.Width, columns));
        valueStride = AttentionBlocking.RowStride<T>(AttentionBlocking.RoundUp(p.ValueWidth, columns));
        scoreStride = AttentionBlocking.RowStride<T>(AttentionBlocking.RoundUp(tileKeys, columns) + TileProduct<TLane, T>.TileRows);
    }

    /// <summary>Computes all gradients.</summary>
    public static void Run(in AttentionProblem<T> problem, in AttentionGradients<T> gradients)
    {
        AttentionProblem<T> p = problem;
        AttentionGradients<T> g = gradients;
        AttentionBlocking.Share(p.Batch * p.Groups, p.Work, task => new AttentionBackward<TLane, T>(p, g, task).Compute());
    }

    void Compute()
    {
        Allocate();
        int accumulated = AttentionBlocking.RoundUp(tileKeys, TileProduct<TLane, T>.TileRows);
        for (int key = 0; key < p.Keys; key += tileKeys)
        {
            int keys = Math.Min(tileKeys, p.Keys - key);
            Pack(key, keys);
            new Span<T>(dkeys, accumulated * queryStride).Clear();
            new Span<T>(dvalues, accumulated * valueStride).Clear();
            for (int i = 0; i < p.HeadsPerGroup; i++)
            {
                int head = group * p.HeadsPerGroup + i;
                T* shared = p.Mask.Exists && p.Mask.IsSameForAllQueries ? p.Mask.Row(batch, head, 0, key, keys, maskRow) : null;
                for (int row = 0; row < p.Queries; row += AttentionBlocking.QueryRows)
                    Block(head, row, Math.Min(AttentionBlocking.QueryRows, p.Queries - row), key, keys, shared);
            }

            for (int j = 0; j < keys; j++)
            {
                if (g.WantsKey) new Span<T>(dkeys + j * queryStride, p.Width).CopyTo(new(g.DKey.At(batch, group, key + j), p.Width));
                if (g.WantsValue) new Span<T>(dvalues + j * valueStride, p.ValueWidth).CopyTo(new(g.DValue.At(batch, group, key + j), p.ValueWidth));
            }
        }
    }

    void Allocate()
    {
        int columns = TileProduct<TLane, T>.TileColumns, block = AttentionBlocking.QueryRows;
        int wholeKeys = AttentionBlocking.RoundUp(tileKeys, columns), sumKeys = AttentionBlocking.RoundUp(tileKeys, TileProduct<TLane, T>.TileRows);
        int keyElements = AttentionBlocking.RoundUp(wholeKeys * p.Width + 16, 16), valueElements = AttentionBlocking.RoundUp(wholeKeys * p.ValueWidth + 16, 16);
        int rowElements = AttentionBlocking.RoundUp(tileKeys * AttentionBlocking.RoundUp(p.Width, columns) + 16, 16);
        int sums = sumKeys * (queryStride + valueStride);
        T* room = GemmScratch.Block<T>(keyElements + valueElements + rowElements + sums + block * (2 * queryStride + valueStride + 2 * scoreStride + 2) + scoreStride);
        keyColumns = room;
        valueColumns = keyColumns + keyElements;
        keyRows = valueColumns + valueElements;
        dkeys = keyRows + rowElements;
        dvalues = dkeys + sumKeys * queryStride;
        queries = dvalues + sumKeys * valueStride;
        dqueries = queries + block * queryStride;
        dys = dqueries + block * queryStride;
        probabilities = dys + block * valueStride;
        dscores = probabilities + block * scoreStride;
        deltas = dscores + block * scoreStride;
        logSums = deltas + block;
        maskRow = logSums + block;

        // Products with these as their right side include the columns behind each row: harmless as long as they are numbers.
        new Span<T>(queries, block * queryStride).Clear();
        new Span<T>(dys, block * valueStride).Clear();
    }

    readonly void Pack(int key, int keys)
    {
        int columns = TileProduct<TLane, T>.TileColumns;
        GemmPacking<TLane, T>.Pack(p.Key.At(batch, group, key), p.Key.RowStride, 1, keys, p.Width, columns, keyColumns);
        GemmPacking<TLane, T>.Pack(p.Value.At(batch, group, key), p.Value.RowStride, 1, keys, p.ValueWidth, columns, valueColumns);
        GemmPacking<TLane, T>.Pack(p.Key.At(batch, group, key), 1, p.Key.RowStride, p.Width, keys, columns, keyRows);
    }

    readonly void Block(int head, int row, int rows, int key, int keys, T* sharedMask)
    {
        int columns = TileProduct<TLane, T>.TileColumns;
        int seen = p.Seen(row + rows - 1, key, keys);
        if (seen == 0)
        {
            for (int r = 0; r < rows; r++)
            {
                if (key == 0 && g.WantsQuery) new Span<T>(g.DQuery.At(batch, head, row + r), p.Width).Clear();
                StoreMaskGradient(head, row + r, null, 0, key, keys);
            }

            return;
        }

        LoadRows(head, row, rows);
        TileProduct<TLane, T>.Multiply(rows, seen, p.Width, queries, queryStride, keyColumns, (nint)p.Width * columns, probabilities, scoreStride);
        TileProduct<TLane, T>.Multiply(rows, seen, p.ValueWidth, dys, valueStride, valueColumns, (nint)p.ValueWidth * columns, dscores, scoreStride);
        int end = AttentionBlocking.RoundUp(seen, TLane.Count), whole = AttentionBlocking.RoundUp(seen, TileProduct<TLane, T>.TileRows);
        for (int r = 0; r < rows; r++)
        {
            T* s = probabilities + r * scoreStride, ds = dscores + r * scoreStride;
            AttentionRows<TLane, T>.Mask(p, batch, head, row + r, key, seen, sharedMask, maskRow, s);
            Differentiate(s, ds, end, logSums[r], deltas[r]);

            // A register tile reads whole groups of keys, of which the last ones may be nobody's or not yet seen.
            for (int j = end; j < whole; j++) s[j] = ds[j] = T.Zero;
            StoreMaskGradient(head, row + r, ds, seen, key, keys);
        }

        if (g.WantsValue) TileProduct<TLane, T>.AddTransposed(seen, p.ValueWidth, rows, probabilities, scoreStride, dys, valueStride, dvalues, valueStride);
        if (g.WantsKey) TileProduct<TLane, T>.AddTransposed(seen, p.Width, rows, dscores, scoreStride, queries, queryStride, dkeys, queryStride);
        if (!g.WantsQuery) return;
        TileProduct<TLane, T>.Multiply(rows, p.Width, seen, dscores, scoreStride, keyRows, (nint)keys * columns, dqueries, queryStride);
        for (int r = 0; r < rows; r++)
        {
            T* dquery = g.DQuery.At(batch, head, row + r), sum = dqueries + r * queryStride;
            if (key == 0) RowMath<TLane, T>.Multiply(sum, p.Scale, dquery, p.Width);
            else RowMath<TLane, T>.MultiplyAdd(sum, p.Scale, T.One, dquery, p.Width);
        }
    }

    readonly void LoadRows(int head, int row, int rows)
    {
        AttentionRows<TLane, T>.Load(p.Query.At(batch, head, row), p.Query.RowStride, p.Width, p.Scale, rows, queries, queryStride);
        AttentionRows<TLane, T>.Load(g.DY.At(batch, head, row), g.DY.RowStride, p.ValueWidth, T.One, rows, dys, valueStride);
        for (int r = 0; r < rows; r++)
        {
            deltas[r] = RowMath<TLane, T>.Dot(dys + r * valueStride, p.Y.At(batch, head, row + r), p.ValueWidth);

            // Who sees nobody has the probability e^-infinity = 0 of everybody.
            T logSum = *p.LogSumExpAt(batch, head, row + r);
            logSums[r] = T.IsNegativeInfinity(logSum) ? T.PositiveInfinity : logSum;
        }
    }

    // P = e^(S - logSumExp) and dS = P (dP - delta), in place.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Differentiate(T* s, T* dp, int count, T logSum, T delta)
    {
        TLane l = TLane.Broadcast(logSum), d = TLane.Broadcast(delta);
        for (int j = 0; j < count; j += TLane.Count)
        {
            TLane probability = RowMath<TLane, T>.ExpNonPositive(TLane.Load(s + j) - l);
            TLane.Store(probability, s + j);
            TLane.Store(probability * (TLane.Load(dp + j) - d), dp + j);
        }
    }

    readonly void StoreMaskGradient(int head, int row, T* ds, int seen, int key, int keys)
    {
        if (g.DMask == null) return;
        T* target = g.DMask + (((nint)batch * p.Heads + head) * p.Queries + row) * p.Keys + key;
        if (seen > 0) new Span<T>(ds, seen).CopyTo(new(target, seen));
        new Span<T>(target + seen, keys - seen).Clear();
    }
}
