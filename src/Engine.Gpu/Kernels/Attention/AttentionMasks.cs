using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Scale, mask and causality, applied to scores.</summary>
static class AttentionMasks<TElement, TWord, TLane>
    where TElement : struct, IGpuElement<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged, ILane<TLane>
{
    /// <summary>How many keys some query of a tile sees; it sees the first ones.</summary>
    public static int Seen(AttentionOperands<TWord> o, int firstQuery, int queries) =>
        o.Causal == 0 ? o.Keys : IntrinsicMath.Max(0, IntrinsicMath.Min(o.Keys, firstQuery + queries + o.Keys - o.Queries));

    /// <summary>Where the mask of a head begins.</summary>
    public static int Place(AttentionOperands<TWord> o, int batch, int head) => HeadSteps.At(o.MaskSteps, batch % o.MaskPeriod, head);

    /// <summary>Four scores of one query; minus infinity for who is not seen or not there.</summary>
    public static Quad<TLane> Apply(AttentionOperands<TWord> o, int mask, int query, int key, Quad<TLane> scores)
    {
        int end = query < o.Queries ? Seen(o, query, 1) : 0, place = mask + query * o.MaskSteps.Row;
        return new(
            Apply(o, place, end, key, scores.X), Apply(o, place, end, key + 1, scores.Y),
            Apply(o, place, end, key + 2, scores.Z), Apply(o, place, end, key + 3, scores.W));
    }

    /// <summary>One score of a query that sees the keys before <paramref name="end"/> and whose mask begins at a place.</summary>
    public static TLane Apply(AttentionOperands<TWord> o, int place, int end, int key, TLane score)
    {
        TLane hidden = TLane.Of(float.NegativeInfinity);
        if (key >= end) return hidden;
        score *= TLane.Of(o.Scale);
        if (o.MaskKind == (int)AttentionMaskKind.Added) return score + TElement.Load(o.Added[place + key * o.MaskKey]);
        return o.MaskKind == (int)AttentionMaskKind.Seen && o.Seen[place + key * o.MaskKey] == 0 ? hidden : score;
    }
}
