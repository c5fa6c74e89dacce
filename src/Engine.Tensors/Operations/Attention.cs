namespace Engine.Tensors;

/// <summary>Scaled dot-product attention (Vaswani et al. 2017, eq. 1), without the matrix of scores.</summary>
/// <remarks>
/// Shapes: query [B, H, N, D], key [B, G, M, D], value [B, G, M, Dv], result [B, H, N, Dv]; H is a multiple of G, each group of
/// H / G heads sharing keys and values. The mask broadcasts to [B, H, N, M]: float32 or float64 is added to the scores, bool
/// says who is seen; a row that sees nobody gives 0.
/// </remarks>
public static class Attention
{
    /// <summary>The result as a view of memory [B, N, H, Dv], so that joining the heads afterwards copies nothing.</summary>
    /// <returns>y [B, H, N, Dv], and the logarithm of each row's sum [B, H, N] for the gradient.</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static (Tensor Y, Tensor LogSumExp) Forward(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options)
    {
        Check("Attention", query, key, value);
        Tensor y = query.EmptyLike([query.Shape[0], query.Shape[2], query.Shape[1], value.Shape[3]]).Permute(0, 2, 1, 3);
        return (y, ForwardInto(query, key, value, mask, options, y));
    }

    /// <summary>The result into a tensor of any strides with 1 on the last axis.</summary>
    /// <returns>The logarithm of each row's sum [B, H, N].</returns>
    public static Tensor ForwardInto(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y)
    {
        Check("Attention", query, key, value);
        Require.Shape("Attention", "the result", y, [query.Shape[0], query.Shape[1], query.Shape[2], value.Shape[3]]);
        Tensor logSumExp = query.EmptyLike(query.Shape[..3]);
        if (y.ElementCount == 0) return logSumExp;
        if (key.Shape[2] == 0) y.Backend.Fill(0, y);
        else query.Backend.Attention(Rows(query), Rows(key), Rows(value), Mask(mask, query, key), options, y, logSumExp);
        return logSumExp;
    }

    /// <summary>Gradients of <see cref="Forward"/>.</summary>
    /// <returns>dquery, dkey, dvalue of their shapes; dmask [B, H, N, M], not yet summed to the mask's shape, or null if it is not wanted.</returns>
    public static (Tensor Dquery, Tensor Dkey, Tensor Dvalue, Tensor? Dmask) Gradient(
        Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp, bool wantsMask)
    {
        Tensor dquery = query.EmptyLike(), dkey = key.EmptyLike(), dvalue = value.EmptyLike();
        Tensor? dmask = GradientInto(dy, query, key, value, mask, options, y, logSumExp, dquery, dkey, dvalue, wantsMask);
        return (dquery, dkey, dvalue, dmask);
    }

    /// <summary>Gradients into tensors of any strides with 1 on the last axis: parts of one fused buffer, for instance.</summary>
    /// <returns>dmask, or null.</returns>
    public static Tensor? GradientInto(
        Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp,
        Tensor dquery, Tensor dkey, Tensor dvalue, bool wantsMask)
    {
        Check("AttentionGradient", query, key, value);
        Require.Alike("AttentionGradient", query, dy);
        Require.Shape("AttentionGradient", "dy", dy, y.Shape);
        Tensor? dmask = wantsMask ? query.EmptyLike([query.Shape[0], query.Shape[1], query.Shape[2], key.Shape[2]]) : null;
        if (dy.ElementCount == 0 || key.Shape[2] == 0)
        {
            foreach (Tensor? empty in (ReadOnlySpan<Tensor?>)[dquery, dkey, dvalue, dmask])
                if (empty is { ElementCount: > 0 }) empty.Backend.Fill(0, empty);
            return dmask;
        }

        query.Backend.AttentionGradient(
            Rows(dy), Rows(query), Rows(key), Rows(value), Mask(mask, query, key), options, y, logSumExp, dquery, dkey, dvalue, dmask);
        return dmask;
    }

    static void Check(string operation, Tensor query, Tensor key, Tensor value)
    {
        Require.Arithmetic(operation, query);
        Require.Alike(operation, query, key);
        Require.Alike(operation, query, value);
        bool fits = query.Rank == 4 && key.Rank == 4 && value.Rank == 4
            && query.Shape[0] == key.Shape[0] && key.Shape[..3] == value.Shape[..3] && query.Shape[3] == key.Shape[3]
            && (key.Shape[1] == 0 ? query.Shape[1] == 0 : query.Shape[1] % key.Shape[1] == 0);
        if (!fits)
            throw new ShapeException($"{operation}: query {query.Shape}, key {key.Shape}, value {value.Shape}; expected [B, H, N, D], [B, G, M, D], [B, G, M, Dv] with H a multiple of G.");
    }

    static Tensor Rows(Tensor x) => x.Strides[3] == 1 || x.Shape[3] <= 1 ? x : x.Contiguous();

    static Tensor? Mask(Tensor? mask, Tensor query, Tensor key)
    {
        if (mask is null) return null;
        Require.SameDevice("Attention", query, mask);
        Shape scores = [query.Shape[0], query.Shape[1], query.Shape[2], key.Shape[2]];
        if (mask.DType != DType.Bool && mask.DType != query.DType)
            throw new ShapeException($"Attention: the mask holds {mask.DType}, expected Bool or {query.DType}.");
        return mask.Expand(scores);
    }
}
