using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// The gradients of attention. The probabilities P are computed again from queries, keys and logSumExp (Dao et al. 2022,
/// algorithm 4); with delta = sum(dy y) of each row dV = P^T dy, dP = dy V^T, dS = P (dP - delta), dQ = scale dS K,
/// dK = scale dS^T Q. A block of threads owns what it writes and sums in a fixed order: no atomics.
/// </summary>
static class AttentionBackward
{
    /// <summary>P and dS of a tile, 4 x 4 numbers a thread.</summary>
    struct Derivatives<TLane> where TLane : unmanaged, ILane<TLane>
    {
        public QuadRows<TLane> P, DS;
    }

    /// <summary>dQ: groups over heads, tiles of queries, pieces of D; a block reads all keys that its queries see.</summary>
    public static void Queries<TTile, TElement, TWord, TLane>(AttentionGradientArguments<TWord, TLane> a)
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<Quad<TLane>> scores = SharedMemory.Allocate<Quad<TLane>>(AttentionParts<TTile, TElement, TWord, TLane>.ScoreQuads);
        ArrayView<Quad<TLane>> stage = SharedMemory.Allocate<Quad<TLane>>(AttentionParts<TTile, TElement, TWord, TLane>.StageQuads);
        AttentionOperands<TWord> o = a.Operands;
        int block = Group.IdxX / TTile.Threads, lane = Group.IdxX % TTile.Threads;
        int tiles = (o.Queries + TTile.Side - 1) / TTile.Side;
        int chunk = Grid.IdxX % a.Chunks, tileOfAll = Grid.IdxX / a.Chunks;
        int firstQuery = (tiles - 1 - tileOfAll % tiles) * TTile.Side;
        int pair = tileOfAll / tiles * TTile.Blocks + block;
        bool idle = pair >= a.Pairs;
        if (idle) pair = 0;
        int batch = pair / o.Heads, head = pair % o.Heads, group = head / o.HeadsPerGroup;
        int rows = idle ? 0 : IntrinsicMath.Min(TTile.Side, o.Queries - firstQuery);
        int firstColumn = chunk * TTile.Side * TTile.Pieces, columns = o.Width - firstColumn;
        int key = HeadSteps.At(o.KeySteps, batch, group) + firstColumn;
        int row = lane / (TTile.Side / 4), column = lane % (TTile.Side / 4);
        int scoreBase = block * (TTile.Side * TTile.Pitch);
        QuadRows<TLane> dquery = default, more = default;
        int end = AttentionMasks<TElement, TWord, TLane>.Seen(o, firstQuery, IntrinsicMath.Min(TTile.Side, o.Queries - firstQuery));
        for (int firstKey = 0; firstKey < end; firstKey += TTile.Side)
        {
            int keys = IntrinsicMath.Min(TTile.Side, end - firstKey), keysHere = idle ? 0 : keys;
            QuadRows<TLane> ds = Differentiate<TTile, TElement, TWord, TLane>(a, batch, head, firstQuery, rows, firstKey, keysHere, stage, block, lane).DS;
            AttentionParts<TTile, TElement, TWord, TLane>.StoreTransposed(ds, scores, scoreBase, row, column);

            // dS is read after the barrier that the keys wait for.
            dquery = AttentionParts<TTile, TElement, TWord, TLane>.SumOfRows(
                o.Key, key + firstKey * o.KeySteps.Row, o.KeySteps.Row, keys, keysHere, rows, columns, scores, stage, block, lane, dquery);
            if (TTile.Pieces > 1)
                more = AttentionParts<TTile, TElement, TWord, TLane>.SumOfRows(
                    o.Key, key + TTile.Side + firstKey * o.KeySteps.Row, o.KeySteps.Row, keys, keysHere, rows, columns - TTile.Side, scores, stage, block, lane, more);
        }

        TLane scale = TLane.Of(o.Scale);
        int target = HeadSteps.At(a.TargetSteps, batch, head) + (firstQuery + row * 4) * a.TargetSteps.Row + firstColumn + column * 4;
        columns -= column * 4;
        AttentionParts<TTile, TElement, TWord, TLane>.Store(QuadRows<TLane>.Scale(scale, dquery), a.Target, target, a.TargetSteps.Row, rows - row * 4, IntrinsicMath.Min(columns, TTile.Side - column * 4));
        if (TTile.Pieces > 1)
            AttentionParts<TTile, TElement, TWord, TLane>.Store(QuadRows<TLane>.Scale(scale, more), a.Target, target + TTile.Side, a.TargetSteps.Row, rows - row * 4, columns - TTile.Side);
    }

    /// <summary>
    /// dK and dV: groups over heads of keys, tiles of keys, pieces of D and Dv; a block reads all queries that see its keys, of
    /// one head after another of those that share them.
    /// </summary>
    public static void KeysAndValues<TTile, TElement, TWord, TLane>(AttentionGradientArguments<TWord, TLane> a)
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<Quad<TLane>> scores = SharedMemory.Allocate<Quad<TLane>>(AttentionParts<TTile, TElement, TWord, TLane>.ScoreQuads);
        ArrayView<Quad<TLane>> stage = SharedMemory.Allocate<Quad<TLane>>(AttentionParts<TTile, TElement, TWord, TLane>.StageQuads);
        AttentionOperands<TWord> o = a.Operands;
        int block = Group.IdxX / TTile.Threads, lane = Group.IdxX % TTile.Threads;
        int tiles = (o.Keys + TTile.Side - 1) / TTile.Side;
        int chunk = Grid.IdxX % a.Chunks, tileOfAll = Grid.IdxX / a.Chunks;

        // Under a causal mask the first keys are seen by most: they begin.
        int firstKey = tileOfAll % tiles * TTile.Side;
        int pair = tileOfAll / tiles * TTile.Blocks + block;
        bool idle = pair >= a.Pairs;
        if (idle) pair = 0;
        int groups = o.Heads / o.HeadsPerGroup, batch = pair / groups, group = pair % groups;
        int keys = idle ? 0 : IntrinsicMath.Min(TTile.Side, o.Keys - firstKey);
        int firstColumn = chunk * TTile.Side;
        int keyColumns = a.WantsKey == 0 ? 0 : IntrinsicMath.Min(TTile.Side, o.Width - firstColumn);
        int valueColumns = a.WantsValue == 0 ? 0 : IntrinsicMath.Min(TTile.Side, o.ValueWidth - firstColumn);
        int row = lane / (TTile.Side / 4), column = lane % (TTile.Side / 4);
        int scoreBase = block * (TTile.Side * TTile.Pitch);
        QuadRows<TLane> dkey = default, dvalue = default;

        // The first tile of queries of which one sees the first key.
        int begin = o.Causal == 0 ? 0 : IntrinsicMath.Max(0, firstKey - (o.Keys - o.Queries)) / TTile.Side * TTile.Side;
        for (int shared = 0; shared < o.HeadsPerGroup; shared++)
        {
            int head = group * o.HeadsPerGroup + shared;
            int query = HeadSteps.At(o.QuerySteps, batch, head) + firstColumn, dy = HeadSteps.At(a.DYSteps, batch, head) + firstColumn;
            for (int firstQuery = begin; firstQuery < o.Queries; firstQuery += TTile.Side)
            {
                int rows = IntrinsicMath.Min(TTile.Side, o.Queries - firstQuery), rowsHere = idle ? 0 : rows;
                Derivatives<TLane> d = Differentiate<TTile, TElement, TWord, TLane>(a, batch, head, firstQuery, rowsHere, firstKey, keys, stage, block, lane);

                // P, then dS in its place, each read after the barrier that the rows wait for. Whether a sum is wanted is the
                // same for the whole group.
                if (valueColumns > 0)
                {
                    AttentionParts<TTile, TElement, TWord, TLane>.StoreRows(d.P, scores, scoreBase, row, column);
                    dvalue = AttentionParts<TTile, TElement, TWord, TLane>.SumOfRows(
                        a.DY, dy + firstQuery * a.DYSteps.Row, a.DYSteps.Row, rows, rowsHere, keys, valueColumns, scores, stage, block, lane, dvalue);
                }

                if (keyColumns > 0)
                {
                    AttentionParts<TTile, TElement, TWord, TLane>.StoreRows(d.DS, scores, scoreBase, row, column);
                    dkey = AttentionParts<TTile, TElement, TWord, TLane>.SumOfRows(
                        o.Query, query + firstQuery * o.QuerySteps.Row, o.QuerySteps.Row, rows, rowsHere, keys, keyColumns, scores, stage, block, lane, dkey);
                }
            }
        }

        dkey = QuadRows<TLane>.Scale(TLane.Of(o.Scale), dkey);
        int place = HeadSteps.At(a.TargetSteps, batch, group) + (firstKey + row * 4) * a.TargetSteps.Row + firstColumn + column * 4;
        AttentionParts<TTile, TElement, TWord, TLane>.Store(dkey, a.Target, place, a.TargetSteps.Row, keys - row * 4, keyColumns - column * 4);
        place = HeadSteps.At(a.DValueSteps, batch, group) + (firstKey + row * 4) * a.DValueSteps.Row + firstColumn + column * 4;
        AttentionParts<TTile, TElement, TWord, TLane>.Store(dvalue, a.DValue, place, a.DValueSteps.Row, keys - row * 4, valueColumns - column * 4);
    }

    /// <summary>dS [B, H, N, M] itself, the gradient of an added mask: groups over heads and tiles of queries and keys.</summary>
    public static void Mask<TTile, TElement, TWord, TLane>(AttentionGradientArguments<TWord, TLane> a)
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<Quad<TLane>> stage = SharedMemory.Allocate<Quad<TLane>>(AttentionParts<TTile, TElement, TWord, TLane>.StageQuads);
        AttentionOperands<TWord> o = a.Operands;
        int block = Group.IdxX / TTile.Threads, lane = Group.IdxX % TTile.Threads;
        int across = (o.Keys + TTile.Side - 1) / TTile.Side, down = (o.Queries + TTile.Side - 1) / TTile.Side;
        int firstKey = Grid.IdxX % across * TTile.Side, firstQuery = Grid.IdxX / across % down * TTile.Side;
        int pair = Grid.IdxX / (across * down) * TTile.Blocks + block;
        bool idle = pair >= a.Pairs;
        if (idle) pair = 0;
        int batch = pair / o.Heads, head = pair % o.Heads;
        int rows = idle ? 0 : IntrinsicMath.Min(TTile.Side, o.Queries - firstQuery), keys = idle ? 0 : IntrinsicMath.Min(TTile.Side, o.Keys - firstKey);
        QuadRows<TLane> ds = Differentiate<TTile, TElement, TWord, TLane>(a, batch, head, firstQuery, rows, firstKey, keys, stage, block, lane).DS;
        int row = lane / (TTile.Side / 4), column = lane % (TTile.Side / 4);
        int place = (pair * o.Queries + firstQuery + row * 4) * o.Keys + firstKey + column * 4;
        AttentionParts<TTile, TElement, TWord, TLane>.Store(ds, a.Target, place, o.Keys, rows - row * 4, keys - column * 4);
    }

    // All threads of the group take part; on return the stage is free again.
    static Derivatives<TLane> Differentiate<TTile, TElement, TWord, TLane>(
        AttentionGradientArguments<TWord, TLane> a, int batch, int head, int firstQuery, int rows, int firstKey, int keys, ArrayView<Quad<TLane>> stage, int block, int lane)
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        AttentionOperands<TWord> o = a.Operands;
        int group = head / o.HeadsPerGroup;
        QuadRows<TLane> s = AttentionParts<TTile, TElement, TWord, TLane>.ProductOfRows(
            o.Query, HeadSteps.At(o.QuerySteps, batch, head) + firstQuery * o.QuerySteps.Row, o.QuerySteps.Row, rows,
            o.Key, HeadSteps.At(o.KeySteps, batch, group) + firstKey * o.KeySteps.Row, o.KeySteps.Row, keys, o.Width, stage, block, lane);
        QuadRows<TLane> dp = AttentionParts<TTile, TElement, TWord, TLane>.ProductOfRows(
            a.DY, HeadSteps.At(a.DYSteps, batch, head) + firstQuery * a.DYSteps.Row, a.DYSteps.Row, rows,
            o.Value, HeadSteps.At(o.ValueSteps, batch, group) + firstKey * o.ValueSteps.Row, o.ValueSteps.Row, keys, o.ValueWidth, stage, block, lane);
        int query = firstQuery + lane / (TTile.Side / 4) * 4, key = firstKey + lane % (TTile.Side / 4) * 4;
        int mask = AttentionMasks<TElement, TWord, TLane>.Place(o, batch, head), statistics = (batch * o.Heads + head) * o.Queries;
        Derivatives<TLane> d = default;
        d.P.R0 = Probabilities<TTile, TElement, TWord, TLane>(a, mask, statistics, query, key, s.R0);
        d.P.R1 = Probabilities<TTile, TElement, TWord, TLane>(a, mask, statistics, query + 1, key, s.R1);
        d.P.R2 = Probabilities<TTile, TElement, TWord, TLane>(a, mask, statistics, query + 2, key, s.R2);
        d.P.R3 = Probabilities<TTile, TElement, TWord, TLane>(a, mask, statistics, query + 3, key, s.R3);
        d.DS.R0 = ScoreGradients(d.P.R0, dp.R0, a.Delta, statistics, query, o.Queries);
        d.DS.R1 = ScoreGradients(d.P.R1, dp.R1, a.Delta, statistics, query + 1, o.Queries);
        d.DS.R2 = ScoreGradients(d.P.R2, dp.R2, a.Delta, statistics, query + 2, o.Queries);
        d.DS.R3 = ScoreGradients(d.P.R3, dp.R3, a.Delta, statistics, query + 3, o.Queries);
        return d;
    }

    static Quad<TLane> Probabilities<TTile, TElement, TWord, TLane>(
        AttentionGradientArguments<TWord, TLane> a, int mask, int statistics, int query, int key, Quad<TLane> scores)
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        Quad<TLane> s = AttentionMasks<TElement, TWord, TLane>.Apply(a.Operands, mask, query, key, scores);

        // Who sees nobody, or is not there, has the probability e^-infinity = 0 of everybody.
        TLane none = TLane.Of(float.NegativeInfinity), sum = query < a.Operands.Queries ? a.LogSumExp[statistics + query] : none;
        sum = TLane.IfGreater(sum, none, sum, sum * sum);
        return new(TLane.Exp(s.X - sum), TLane.Exp(s.Y - sum), TLane.Exp(s.Z - sum), TLane.Exp(s.W - sum));
    }

    static Quad<TLane> ScoreGradients<TLane>(Quad<TLane> p, Quad<TLane> dp, ArrayView<TLane> deltas, int statistics, int query, int queries)
        where TLane : unmanaged, ILane<TLane>
    {
        TLane delta = query < queries ? deltas[statistics + query] : TLane.Of(0f);
        return new(p.X * (dp.X - delta), p.Y * (dp.Y - delta), p.Z * (dp.Z - delta), p.W * (dp.W - delta));
    }
}
