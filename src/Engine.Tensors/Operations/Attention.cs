namespace Engine.Tensors;

/// <summary>
/// Scaled dot-product attention (Vaswani et al. 2017), softmax(scale q k^T + mask) v, and its gradients. The scores of a long
/// sequence are never held at once.
/// </summary>
/// <remarks>
/// Operands may be views with neighbouring elements on the last axis, such as the parts of one projection
/// [B, N, 3, H, D] permuted; nothing is copied then. Results lie in memory as [B, N, H, D], so that merging the heads is a
/// reshape without a copy.
/// </remarks>
public static class Attention
{
    /// <summary>Attention.</summary>
    /// <param name="query">[B, H, N, D]</param>
    /// <param name="key">[B, G, M, D]; G divides H, several query heads then share a head of keys.</param>
    /// <param name="value">[B, G, M, Dv]</param>
    /// <param name="mask">
    /// Broadcasts to [B, H, N, M], or to [P, H, N, M] with P a divisor of B: sequence b then has the mask of b mod P. The element
    /// type of the query: added to the scores; bool: who is seen.
    /// </param>
    /// <param name="options">Scale and causality.</param>
    /// <returns>y [B, H, N, Dv], 0 for a query that sees nobody, and logSumExp [B, H, N] for the gradient.</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static (Tensor Y, Tensor LogSumExp) Forward(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options)
    {
        Check(query, key, value, mask);
        Tensor y = Heads(query, query.Shape[1], query.Shape[2], value.Shape[3]);
        return (y, ForwardInto(query, key, value, mask, options, y));
    }

    /// <summary>Attention with the scale 1 / sqrt(D) unless another is given.</summary>
    /// <inheritdoc cref="Forward(Tensor, Tensor, Tensor, Tensor?, AttentionOptions)"/>
    public static (Tensor Y, Tensor LogSumExp) Forward(Tensor query, Tensor key, Tensor value, Tensor? mask = null, bool causal = false, float? scale = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        return Forward(query, key, value, mask, new(scale ?? 1 / MathF.Sqrt(query.Rank == 0 ? 1 : query.Shape[^1]), causal));
    }

    /// <summary>Attention into a tensor that is there already.</summary>
    /// <param name="query">[B, H, N, D]</param>
    /// <param name="key">[B, G, M, D]</param>
    /// <param name="value">[B, G, M, Dv]</param>
    /// <param name="mask">Broadcasts to [B, H, N, M], or null.</param>
    /// <param name="options">Scale and causality.</param>
    /// <param name="y">[B, H, N, Dv], any strides with 1 on the last axis.</param>
    /// <returns>logSumExp [B, H, N]</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static Tensor ForwardInto(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y)
    {
        Tensor? stretched = Check(query, key, value, mask);
        CheckTarget("y", y, query, [.. query.Shape.AsSpan()[..3], value.Shape[3]]);
        Tensor logSumExp = query.EmptyLike(query.Shape[..3], Statistics(query));
        if (logSumExp.ElementCount == 0) return logSumExp;
        if (key.Shape[2] == 0 || y.ElementCount == 0 || query.Shape[3] == 0)
        {
            Degenerate(query, key, value, stretched, options, y, logSumExp);
            return logSumExp;
        }

        query.Backend.Attention(Neighbours(query), Neighbours(key), Neighbours(value), stretched, options, y, logSumExp);
        return logSumExp;
    }

    /// <summary>The gradients of attention.</summary>
    /// <param name="dy">[B, H, N, Dv]</param>
    /// <param name="query">As given to Forward.</param>
    /// <param name="key">As given to Forward.</param>
    /// <param name="value">As given to Forward.</param>
    /// <param name="mask">As given to Forward.</param>
    /// <param name="options">As given to Forward.</param>
    /// <param name="y">What Forward returned.</param>
    /// <param name="logSumExp">What Forward returned.</param>
    /// <param name="wantsMask">Whether the gradient of the added mask is computed.</param>
    /// <returns>Gradients of the operands' shapes; that of the mask, or null, summed to the mask's shape.</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static (Tensor DQuery, Tensor DKey, Tensor DValue, Tensor? DMask) Gradient(
        Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp, bool wantsMask = false)
    {
        Check(query, key, value, mask);
        Tensor dquery = Heads(query, query.Shape[1], query.Shape[2], query.Shape[3]);
        Tensor dkey = Heads(key, key.Shape[1], key.Shape[2], key.Shape[3]), dvalue = Heads(value, value.Shape[1], value.Shape[2], value.Shape[3]);
        Tensor? dmask = GradientInto(dy, query, key, value, mask, options, y, logSumExp, dquery, dkey, dvalue, wantsMask);
        return (dquery, dkey, dvalue, dmask);
    }

    /// <summary>The gradients of attention into tensors that are there already, such as the parts of one fused gradient.</summary>
    /// <param name="dy">[B, H, N, Dv]</param>
    /// <param name="query">As given to Forward.</param>
    /// <param name="key">As given to Forward.</param>
    /// <param name="value">As given to Forward.</param>
    /// <param name="mask">As given to Forward.</param>
    /// <param name="options">As given to Forward.</param>
    /// <param name="y">What Forward returned.</param>
    /// <param name="logSumExp">What Forward returned.</param>
    /// <param name="dquery">[B, H, N, D], any strides with 1 on the last axis; null where it is not wanted.</param>
    /// <param name="dkey">[B, G, M, D], likewise.</param>
    /// <param name="dvalue">[B, G, M, Dv], likewise.</param>
    /// <param name="wantsMask">Whether the gradient of the added mask is computed.</param>
    /// <returns>The gradient of the mask, summed to its shape, or null.</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static Tensor? GradientInto(
        Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp,
        Tensor? dquery, Tensor? dkey, Tensor? dvalue, bool wantsMask = false)
    {
        Tensor? stretched = Check(query, key, value, mask);
        Shape result = [.. query.Shape.AsSpan()[..3], value.Shape[3]];
        Require.Alike("Attention", query, dy);
        Require.Alike("Attention", query, y);
        Require.SameDevice("Attention", query, logSumExp);
        if (logSumExp.DType != Statistics(query))
            throw new ShapeException($"Attention: logSumExp holds {logSumExp.DType}, expected {Statistics(query)}.");
        Require.Shape("Attention", "dy", dy, result);
        Require.Shape("Attention", "y", y, result);
        Require.Shape("Attention", "logSumExp", logSumExp, query.Shape[..3]);
        if (dquery is not null) CheckTarget("dquery", dquery, query, query.Shape);
        if (dkey is not null) CheckTarget("dkey", dkey, query, key.Shape);
        if (dvalue is not null) CheckTarget("dvalue", dvalue, query, value.Shape);
        if (wantsMask && (mask is null || mask.DType == DType.Bool))
            throw new ShapeException("Attention: only a mask that is added to the scores has a gradient.");

        Tensor? dmask = wantsMask ? query.EmptyLike([.. query.Shape.AsSpan()[..3], key.Shape[2]]) : null;
        if (query.ElementCount == 0 || key.ElementCount == 0 || value.ElementCount == 0)
        {
            foreach (Tensor? gradient in (ReadOnlySpan<Tensor?>)[dquery, dkey, dvalue, dmask])
                if (gradient is { ElementCount: > 0 }) gradient.Backend.Fill(0, gradient);
        }
        else
        {
            query.Backend.AttentionGradient(Neighbours(dy), Neighbours(query), Neighbours(key), Neighbours(value), stretched, options,
                Neighbours(y), logSumExp.Contiguous(), dquery, dkey, dvalue, dmask);
        }

        if (dmask is null) return null;
        int period = Period(mask!, query);
        Tensor perSequence = period == query.Shape[0] ? dmask
            : Reduction.Sum(dmask.Reshape(query.Shape[0] / period, period, query.Shape[1], query.Shape[2] * key.Shape[2]), [0])
                .Reshape(period, query.Shape[1], query.Shape[2], key.Shape[2]);
        Tensor summed = Reduction.SumTo(perSequence, mask!.Shape);
        if (summed.Storage != dmask.Storage) dmask.Release();
        return summed;
    }

    // In 16 bits a logSumExp of 8 would be off by up to 1/64, and all probabilities of its row with it.
    static DType Statistics(Tensor query) => query.DType.Accumulated();

    // No keys, or no features: everybody sees nobody, or all scores are the mask alone.
    static void Degenerate(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp)
    {
        if (key.Shape[2] == 0)
        {
            if (y.ElementCount > 0) y.Backend.Fill(0, y);
            logSumExp.Backend.Fill(double.NegativeInfinity, logSumExp);
            return;
        }

        // One feature of zeros gives the same scores, and one feature of values a place to write to.
        Tensor Zeros(Tensor like) => Tensor.Zeros([.. like.Shape.AsSpan()[..3], 1], like.DType, like.Device);
        Tensor q = query.Shape[3] == 0 ? Zeros(query) : Neighbours(query), k = query.Shape[3] == 0 ? Zeros(key) : Neighbours(key);
        if (query.Shape[3] == 0) options = options with { Scale = 1 };
        bool noValues = y.ElementCount == 0;
        query.Backend.Attention(q, k, noValues ? Zeros(value) : Neighbours(value), mask, options, noValues ? Zeros(query) : y, logSumExp);
    }

    // Checks the operands and returns the mask stretched to [B, H, N, M], or to [P, H, N, M] of one that repeats.
    static Tensor? Check(Tensor query, Tensor key, Tensor value, Tensor? mask)
    {
        Require.Floating("Attention", query);
        Require.Alike("Attention", query, key);
        Require.Alike("Attention", query, value);
        Require.Rank("Attention", "query", query, 4, "[B, H, N, D]");
        Require.Rank("Attention", "key", key, 4, "[B, G, M, D]");
        Require.Rank("Attention", "value", value, 4, "[B, G, M, Dv]");
        if (key.Shape[0] != query.Shape[0] || key.Shape[3] != query.Shape[3])
            throw new ShapeException($"Attention: query {query.Shape} and key {key.Shape} differ in batch or head size.");
        if (value.Shape[..3] != key.Shape[..3])
            throw new ShapeException($"Attention: key {key.Shape} and value {value.Shape} differ in batch, heads or length.");
        if (key.Shape[1] == 0 ? query.Shape[1] != 0 : query.Shape[1] % key.Shape[1] != 0)
            throw new ShapeException($"Attention: {query.Shape[1]} query heads are no multiple of {key.Shape[1]} key heads.");
        if (mask is null) return null;
        Require.SameDevice("Attention", query, mask);
        if (mask.DType != DType.Bool && mask.DType != query.DType)
            throw new ShapeException($"Attention: the mask holds {mask.DType}, expected Bool or the query's {query.DType}.");
        Shape scores = [Period(mask, query), .. query.Shape.AsSpan()[1..3], key.Shape[2]];
        if (Shape.Broadcast(mask.Shape, scores, "Attention, mask") != scores)
            throw new ShapeException($"Attention: the mask {mask.Shape} does not stretch to {scores}.");
        return mask.Expand(scores);
    }

    // A mask for P sequences, B a multiple of P: sequence b has that of b mod P.
    static int Period(Tensor mask, Tensor query)
    {
        int batch = query.Shape[0];
        return mask.Rank == 4 && mask.Shape[0] > 1 && batch % mask.Shape[0] == 0 ? mask.Shape[0] : batch;
    }

    static void CheckTarget(string name, Tensor target, Tensor query, Shape shape)
    {
        target.Storage.CheckWritable("Attention");
        Require.Alike("Attention", query, target);
        Require.Shape("Attention", name, target, shape);
        if (shape[3] > 1 && target.Strides[3] != 1)
            throw new ShapeException($"Attention: {name} has stride {target.Strides[3]} on its last axis, expected 1.");
    }

    static Tensor Neighbours(Tensor x) => x.Shape[3] <= 1 || x.Strides[3] == 1 ? x : x.Contiguous();

    // [B, H, N, D] in memory as [B, N, H, D].
    static Tensor Heads(Tensor like, int heads, int length, int width) => like.EmptyLike([like.Shape[0], length, heads, width]).Permute(0, 2, 1, 3);
}
