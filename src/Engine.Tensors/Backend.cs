namespace Engine.Tensors;

/// <summary>
/// Everything a device must provide: the one list. The public entry points under Operations check shapes, element types
/// and devices and allocate the results; what arrives here fits, lies on this device and has at least one element.
/// </summary>
/// <remarks>
/// Unless said otherwise inputs may have any strides, and outputs are dense. Nothing here waits for the device but
/// <see cref="Read"/> and <see cref="Synchronize"/>. Equal inputs give equal bits, whatever the number of threads.
/// Floats of 16 bits are widened to float32 when they are read and rounded to nearest even when they are written. Index tensors
/// hold int32. An index out of range throws <see cref="ShapeException"/>, at the latest with the next <see cref="Read"/>.
/// </remarks>
public abstract class Backend
{
    /// <summary>What the device is, for people: the processor or card and how it is used.</summary>
    public abstract string Description { get; }

    /// <summary>The memory in use, at its peak, and held by the pool.</summary>
    public abstract MemoryUse Memory { get; }

    /// <summary>From now on the peak is that of what comes: it begins at what is in use.</summary>
    public abstract void ResetPeakMemory();

    /// <summary>Memory from the pool, aligned to 64 bytes or more; its content is not defined.</summary>
    /// <exception cref="DeviceException">There is not enough: what was asked, what is free, what to change.</exception>
    public abstract Storage Allocate(long bytes);

    /// <summary>
    /// A read-only storage over host memory that stays where it is, aligned to its elements or not; null, as here, where the device
    /// cannot compute on such memory. The owner is disposed when the storage is released or collected.
    /// </summary>
    public virtual Storage? Borrow(nint address, long bytes, IDisposable owner) => null;

    /// <summary>Host to device, from a byte offset on.</summary>
    public abstract void Write(ReadOnlySpan<byte> source, Storage target, long offset);

    /// <summary>Device to host, after everything queued before it.</summary>
    public abstract void Read(Storage source, long offset, Span<byte> target);

    /// <summary>Waits until everything queued is done.</summary>
    public abstract void Synchronize();

    /// <summary>y = value; y may have any strides.</summary>
    public abstract void Fill(double value, Tensor y);

    /// <summary>y = x, converting element types (floats round to nearest even, integers saturate); equal shapes, any strides on both.</summary>
    public abstract void Copy(Tensor x, Tensor y);

    /// <summary>y = uniform in [0, 1): element i is word i % 4 of Philox block offset + i / 4, its upper 24 bits.</summary>
    public abstract void Uniform(Philox random, ulong offset, Tensor y);

    /// <summary>y = standard normal, by Box and Muller from the same words in pairs.</summary>
    public abstract void Normal(Philox random, ulong offset, Tensor y);

    /// <summary>y = op(x); shapes equal.</summary>
    public abstract void Map<TOp>(TOp op, Tensor x, Tensor y) where TOp : struct, IUnary;

    /// <summary>y = op(a, b); a and b have y's shape, broadcast by strides of 0. y may be a or b, and may have any strides.</summary>
    public abstract void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y) where TOp : struct, IBinary;

    /// <summary>y = op(a, b, c); as above.</summary>
    public abstract void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y) where TOp : struct, ITernary;

    /// <summary>y (bool) = a compared with b; broadcast by strides of 0.</summary>
    public abstract void Compare(Comparison comparison, Tensor a, Tensor b, Tensor y);

    /// <summary>y = condition (bool) ? a : b; broadcast by strides of 0.</summary>
    public abstract void Select(Tensor condition, Tensor a, Tensor b, Tensor y);

    /// <summary>y = fold of x over the axes whose extent is 1 in y but not in x; equal ranks. y may be float32 where x has 16 bits.</summary>
    public abstract void Reduce<TOp>(TOp op, Tensor x, Tensor y) where TOp : struct, IReduction;

    /// <summary>y[r] (int32) = the first place of the largest (or smallest) element of row r of dense x [R, N]; a NaN counts as largest and smallest.</summary>
    public abstract void ArgReduce(bool largest, Tensor x, Tensor y);

    /// <summary>y[r, n] = x[r, 0] + ... + x[r, n]; dense [R, N].</summary>
    public abstract void CumulativeSum(Tensor x, Tensor y);

    /// <summary>The k largest of each row of dense x [R, N] in falling order, ties by place: values [R, k], indices (int32) [R, k].</summary>
    public abstract void TopK(Tensor x, int k, Tensor values, Tensor indices);

    /// <summary>
    /// y = activation(a b + bias): a [..., M, K], b [..., K, N], y [..., M, N], equal batch axes (broadcast by strides of 0), any strides.
    /// b may hold bfloat16 or float16 where a and y are float32 or float64; each element is widened exactly before it is multiplied.
    /// Where a and b hold one 16-bit type y holds it too, or float32: sums are float32 in any case.
    /// bias [N] or null. preActivation, if given (dense, y's shape), receives a b + bias. accumulate adds to y what was there.
    /// </summary>
    public abstract void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
        where TActivation : struct, IUnary;

    /// <summary>y = softmax, or its logarithm, of each row of dense x [R, N].</summary>
    public abstract void Softmax(bool logarithm, Tensor x, Tensor y);

    /// <summary>dx from y and dy of <see cref="Softmax"/>; dense [R, N].</summary>
    public abstract void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx);

    /// <summary>Rows of dense x [R, D] to mean 0 and variance 1, then times gamma [D] plus beta [D] (either may be null). mean and rstd [R] are kept for the gradient, in float32 for rows of 16 bits.</summary>
    public abstract void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd);

    /// <summary>Gradients of <see cref="LayerNorm"/>; dgamma and dbeta [D] or null, of the statistics' type.</summary>
    public abstract void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta);

    /// <summary>Rows of dense x [R, D] divided by their root mean square, times gamma [D] or null; rstd [R] is kept, in float32 for rows of 16 bits.</summary>
    public abstract void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd);

    /// <summary>Gradients of <see cref="RmsNorm"/>; dgamma [D] or null, of rstd's type.</summary>
    public abstract void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma);

    /// <summary>
    /// Losses [R] of dense logits [R, C] against targets (int32) [R], not yet divided; weights [R] is what each row counts (0 where
    /// the target is ignored); logSumExp [R] is kept for the gradient. classWeights [C] or null.
    /// </summary>
    public abstract void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp);

    /// <summary>dlogits [R, C] = rowScale[r] d losses[r] / d logits; rowScale [R] may have stride 0.</summary>
    public abstract void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits);

    /// <summary>
    /// y [B, H, N, Dv] = softmax(scale q k^T + mask) v with q [B, H, N, D], k [B, G, M, D], v [B, G, M, Dv], H a multiple of G, any strides with
    /// 1 on the last axis; mask null, or [P, H, N, M] broadcast by strides of 0, P a divisor of B: sequence b has the mask of b mod P; float32 is added, bool says who is seen. A row that sees nobody gives 0.
    /// logSumExp [B, H, N] is kept for the gradient, in float32 for operands of 16 bits. y may have any strides with 1 on the last axis.
    /// </summary>
    public abstract void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp);

    /// <summary>Gradients of <see cref="Attention"/>, each null or of any strides with 1 on the last axis; dmask null or dense [B, H, N, M].</summary>
    public abstract void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options,
        Tensor y, Tensor logSumExp, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask);

    /// <summary>
    /// Rotate-half rotary embedding: x [B, H, N, D], cosine and sine dense [N, D/2];
    /// y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin over the two halves of D. inverse rotates back (the gradient).
    /// </summary>
    public abstract void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y);

    /// <summary>y[i, j, k] = x[i, index[i, j, k], k] along the given axis; index and y have one shape.</summary>
    public abstract void Gather(int axis, Tensor x, Tensor index, Tensor y);

    /// <summary>y[i, index[i, j, k], k] += x[i, j, k], in the order of j; index and x have one shape.</summary>
    public abstract void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y);

    /// <summary>y[o, j, i] = x[o, index[j], i]: dense x [O, N, I], index [J], y [O, J, I] of x's element type, whichever that is.</summary>
    public abstract void IndexSelect(Tensor x, Tensor index, Tensor y);

    /// <summary>y[o, index[j], i] += x[o, j, i], in the order of j: dense x [O, J, I], y [O, N, I].</summary>
    public abstract void IndexAdd(Tensor x, Tensor index, Tensor y);

    /// <summary>Windows of dense x [B, C, H, W] as columns y [B, C, KH * KW, OH * OW]; padding holds options.PaddingValue.</summary>
    public abstract void Unfold(Tensor x, WindowOptions options, Tensor y);

    /// <summary>The transpose of <see cref="Unfold"/>: columns [B, C, KH * KW, OH * OW] are added up into y [B, C, H, W], which is overwritten.</summary>
    public abstract void Fold(Tensor x, WindowOptions options, Tensor y);

    /// <summary>One optimizer step over the arena: every chunk of every segment through the rule; see <see cref="IUpdateRule"/>.</summary>
    public abstract void ArenaUpdate<TRule>(TRule rule, ArenaStep step) where TRule : struct, IUpdateRule;

    /// <summary>Per segment: condition, ratio and scale from the partial sums, in chunk order; a row of the trace.</summary>
    public abstract void ArenaFold(ArenaStep step);

    /// <summary>w -= scale[segment] (w - anchor) for the segments whose scale is not 0.</summary>
    public abstract void ArenaProject(ArenaStep step);

    /// <summary>Sums of a formula over each piece of <see cref="ArenaStep.Rows"/>, of every segment; see <see cref="IArenaMeasure"/>.</summary>
    public abstract void ArenaMeasure<TMeasure>(TMeasure measure, ArenaStep step) where TMeasure : struct, IArenaMeasure;

    /// <summary>From the pieces' sums, in their order: what each segment decides and remembers, and each row's scale; see <see cref="IArenaDecision"/>.</summary>
    public abstract void ArenaDecide<TDecision>(TDecision decision, ArenaStep step) where TDecision : struct, IArenaDecision;

    /// <summary>
    /// As <see cref="ArenaUpdate"/>, with the row's scale as A. A rule without states is not asked for rows whose scale is 0: there it
    /// must change nothing.
    /// </summary>
    public abstract void ArenaApply<TRule>(TRule rule, ArenaStep step) where TRule : struct, IUpdateRule;
}

/// <summary>Bytes of a device's memory.</summary>
/// <param name="Used">Held by tensors now.</param>
/// <param name="Peak">The most that was held by tensors at once.</param>
/// <param name="Pooled">Idle in the pool.</param>
public readonly record struct MemoryUse(long Used, long Peak, long Pooled);
