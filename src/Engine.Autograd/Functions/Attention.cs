using Engine.Tensors;

namespace Engine.Autograd;

// Attention and what belongs to it.
public static partial class Functions
{
    /// <summary>softmax(scale q k^T + mask) v (Vaswani et al. 2017), without ever holding all scores.</summary>
    /// <param name="query">[B, H, N, D]</param>
    /// <param name="key">[B, G, M, D]; G divides H, several query heads then share a key head</param>
    /// <param name="value">[B, G, M, Dv]</param>
    /// <param name="mask">Broadcasts to [B, H, N, M], or to [P, H, N, M] with P a divisor of B (sequence b has that of b mod P): float is added to the scores, bool says who is seen.</param>
    /// <param name="causal">Query i sees keys up to i + M - N.</param>
    /// <param name="scale">1 / sqrt(D) if null.</param>
    /// <returns>[B, H, N, Dv]; a query that sees nobody gives 0</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable Attention(
        Variable query, Variable key, Variable value, Variable? mask = null, bool causal = false, float? scale = null)
    {
        if (query.Rank != 4) throw new ShapeException($"Attention: query is {query.Shape}, not [B, H, N, D].");
        (query, key, value, mask) = (Tape.Narrow(query), Tape.Narrow(key), Tape.Narrow(value), Tape.Narrow(mask));
        AttentionOptions options = new(scale ?? 1 / MathF.Sqrt(query.Shape[3]), causal);
        var (y, logSumExp) = Engine.Tensors.Attention.Forward(query.Value, key.Value, value.Value, mask?.Value, options);
        return Tape.Record(
            y,
            [query, key, value, mask],
            dy =>
            {
                Tensor? dquery = HeadsLike(query), dkey = HeadsLike(key), dvalue = HeadsLike(value);
                Tensor? dmask = Engine.Tensors.Attention.GradientInto(
                    dy, query.Value, key.Value, value.Value, mask?.Value, options, y, logSumExp, dquery, dkey, dvalue, Wants(mask));
                return (dquery, dkey, dvalue, dmask);
            },
            saved: [logSumExp]);
    }

    // Room for a gradient that is wanted: [B, H, N, D], in memory as [B, N, H, D], so that merging the heads copies nothing.
    static Tensor? HeadsLike(Variable x) => !x.RequiresGradient ? null
        : x.Value.EmptyLike([x.Shape[0], x.Shape[2], x.Shape[1], x.Shape[3]]).Permute(0, 2, 1, 3);

    /// <summary>
    /// Attention of a sequence to itself from one fused projection. Nothing is copied: queries, keys and values are strided
    /// views of the projection, and their gradients are written straight into its gradient.
    /// </summary>
    /// <param name="qkv">[B, N, 3 * D]: all queries, then all keys, then all values; each is H heads of D / H</param>
    /// <param name="heads">H</param>
    /// <param name="mask">Broadcasts to [B, H, N, N], or to [P, H, N, N] with P a divisor of B (sequence b has that of b mod P): float is added to the scores, bool says who is seen.</param>
    /// <param name="causal">A position sees those up to itself.</param>
    /// <returns>[B, N, D]</returns>
    /// <exception cref="ShapeException">qkv is not of that form.</exception>
    public static Variable SelfAttention(Variable qkv, int heads, Variable? mask = null, bool causal = false)
    {
        if (qkv.Rank != 3 || heads < 1 || qkv.Shape[2] % (3 * heads) != 0)
            throw new ShapeException($"SelfAttention: qkv is {qkv.Shape}, not [B, N, 3 * D] with D a multiple of {heads} heads.");
        (qkv, mask) = (Tape.Narrow(qkv), Tape.Narrow(mask));
        int batch = qkv.Shape[0], length = qkv.Shape[1], width = qkv.Shape[2] / (3 * heads);
        AttentionOptions options = new(1 / MathF.Sqrt(width), causal);
        QueryKeyValue parts = Split(qkv.Value);
        Tensor y = qkv.Value.EmptyLike([batch, length, heads * width]);
        Tensor logSumExp = Engine.Tensors.Attention.ForwardInto(parts.Query, parts.Key, parts.Value, mask?.Value, options, Heads(y));
        return Tape.Record(
            y,
            [qkv, mask],
            dy =>
            {
                Tensor dqkv = dy.EmptyLike(qkv.Shape);
                QueryKeyValue gradients = Split(dqkv);
                Tensor? dmask = Engine.Tensors.Attention.GradientInto(
                    Heads(dy), parts.Query, parts.Key, parts.Value, mask?.Value, options, Heads(y), logSumExp,
                    gradients.Query, gradients.Key, gradients.Value, Wants(mask));
                return (dqkv, dmask);
            },
            saved: [logSumExp]);

        QueryKeyValue Split(Tensor fused)
        {
            Tensor all = fused.Reshape(batch, length, 3, heads, width).Permute(2, 0, 3, 1, 4);  // [3, B, H, N, D / H]
            return new(all.Select(0, 0), all.Select(0, 1), all.Select(0, 2));
        }

        Tensor Heads(Tensor x) => x.Reshape(batch, length, heads, width).Permute(0, 2, 1, 3);   // [B, H, N, D / H]
    }

    readonly record struct QueryKeyValue(Tensor Query, Tensor Key, Tensor Value);

    /// <summary>Rotary position embedding, rotate-half form (Su et al. 2021).</summary>
    /// <param name="x">[B, H, N, D]</param>
    /// <param name="cosine">[N, D / 2]</param>
    /// <param name="sine">[N, D / 2]</param>
    /// <returns>x's shape</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable Rotary(Variable x, Tensor cosine, Tensor sine) =>
        Tape.Record(Engine.Tensors.Rotary.Rotate(x.Value, cosine, sine), [x], dy =>
            Engine.Tensors.Rotary.Rotate(dy, cosine, sine, inverse: true));

    /// <summary>silu(gate) * up, the gated unit of LLaMA (Shazeer 2020).</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable SwiGlu(Variable gate, Variable up) => Binary(new SwiGlu(), gate, up);
}
