using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>The launches of attention's gradients, those that are wanted.</summary>
readonly struct AttentionGradientLaunch(AttentionLaunch forward, Tensor dy, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask) : IElementLaunch
{
    public void Run<TElement, TWord, TLane>()
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        if (dy.DType == DType.Float64) Run<Tile64Shallow, Tile64Shallow, TElement, TWord, TLane>();
        else if (forward.IsSmall) Run<Tile32, Tile32, TElement, TWord, TLane>();
        else if (forward.Width > 64) Run<Tile64, Tile64Wide, TElement, TWord, TLane>();
        else Run<Tile64, Tile64, TElement, TWord, TLane>();
    }

    // Two tiles of the same side: dK and dV together leave no registers for the wide one.
    void Run<TTile, TQueryTile, TElement, TWord, TLane>()
        where TTile : struct, IAttentionTile
        where TQueryTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        Tensor delta = Tensor.Empty(forward.LogSumExp.Shape, forward.LogSumExp.DType, forward.LogSumExp.Device);
        Delta<TElement, TWord, TLane>(delta);
        (ArrayView<TWord> from, HeadSteps steps) = AttentionLaunch.Reach<TWord>(dy);
        AttentionGradientArguments<TWord, TLane> a = new()
        {
            Operands = forward.Operands<TWord>(),
            DY = from,
            DYSteps = steps,
            LogSumExp = AttentionLaunch.Statistics<TLane>(forward.LogSumExp),
            Delta = AttentionLaunch.Statistics<TLane>(delta),
            Target = from,                                   // a kernel's view must be of something
            DValue = from,
        };
        int queryTiles = AttentionLaunch.Tiles(forward.Queries, TTile.Side), keyTiles = AttentionLaunch.Tiles(forward.Keys, TTile.Side);
        long heads = AttentionLaunch.Tiles(forward.Batch * forward.Heads, TTile.Blocks);
        if (dkey is not null || dvalue is not null)
        {
            AttentionGradientArguments<TWord, TLane> keys = a;
            if (dkey is not null) (keys.Target, keys.TargetSteps) = AttentionLaunch.Reach<TWord>(dkey);
            if (dvalue is not null) (keys.DValue, keys.DValueSteps) = AttentionLaunch.Reach<TWord>(dvalue);
            (keys.WantsKey, keys.WantsValue) = (dkey is null ? 0 : 1, dvalue is null ? 0 : 1);
            keys.Pairs = forward.Batch * forward.Groups;
            keys.Chunks = AttentionLaunch.Tiles(Math.Max(keys.WantsKey * forward.Width, keys.WantsValue * forward.ValueWidth), TTile.Side);
            long groups = AttentionLaunch.Tiles(keys.Pairs, TTile.Blocks);
            forward.Runtime.Launch(AttentionBackward.KeysAndValues<TTile, TElement, TWord, TLane>, groups * keyTiles * keys.Chunks, keys);
        }

        a.Pairs = forward.Batch * forward.Heads;
        if (dquery is not null)
        {
            (a.Target, a.TargetSteps) = AttentionLaunch.Reach<TWord>(dquery);
            a.Chunks = AttentionLaunch.Tiles(forward.Width, TQueryTile.Side * TQueryTile.Pieces);
            forward.Runtime.Launch(AttentionBackward.Queries<TQueryTile, TElement, TWord, TLane>, heads * queryTiles * a.Chunks, a);
        }

        if (dmask is not null)
        {
            a.Target = GpuRuntime.View<TWord>(dmask);
            forward.Runtime.Launch(AttentionBackward.Mask<TTile, TElement, TWord, TLane>, heads * queryTiles * keyTiles, a);
        }

        delta.Release();
    }

    void Delta<TElement, TWord, TLane>(Tensor delta)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        (ArrayView<TWord> dys, HeadSteps dySteps) = AttentionLaunch.Reach<TWord>(dy);
        (ArrayView<TWord> ys, HeadSteps ySteps) = AttentionLaunch.Reach<TWord>(forward.Y);
        int rows = checked((int)delta.ElementCount);
        forward.Runtime.Launch(AttentionDelta.Run<TElement, TWord, TLane>, AttentionLaunch.Tiles(rows, AttentionDelta.RowsOfGroup),
            new AttentionDeltaArguments<TWord, TLane>
            {
                DY = dys,
                Y = ys,
                DYSteps = dySteps,
                YSteps = ySteps,
                Delta = AttentionLaunch.Statistics<TLane>(delta),
                Heads = forward.Heads,
                Queries = forward.Queries,
                Width = forward.ValueWidth,
                Rows = rows,
            });
    }
}
