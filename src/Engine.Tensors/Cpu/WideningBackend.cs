namespace Engine.Tensors;

/// <summary>
/// 16-bit floats for a backend whose kernels compute in float32 and float64 alone: each operand of 16 bits is widened into a
/// temporary tensor, and each result rounded from one. It costs time and the temporaries of one operation; what stays in memory
/// between operations has 16 bits. Operations that move bits, and products with a weight of 16 bits, go straight through.
/// </summary>
sealed class WideningBackend(Backend inner) : Backend
{
    public override string Description => inner.Description;

    public override MemoryUse Memory => inner.Memory;

    public override void ResetPeakMemory() => inner.ResetPeakMemory();

    public override Storage Allocate(long bytes) => inner.Allocate(bytes);

    public override Storage? Borrow(nint address, long bytes, IDisposable owner) => inner.Borrow(address, bytes, owner);

    public override void Write(ReadOnlySpan<byte> source, Storage target, long offset) => inner.Write(source, target, offset);

    public override void Read(Storage source, long offset, Span<byte> target) => inner.Read(source, offset, target);

    public override void Synchronize() => inner.Synchronize();

    public override void Fill(double value, Tensor y) => inner.Fill(value, y);

    public override void Copy(Tensor x, Tensor y) => inner.Copy(x, y);

    public override void Uniform(Philox random, ulong offset, Tensor y) => inner.Uniform(random, offset, y);

    public override void Normal(Philox random, ulong offset, Tensor y) => inner.Normal(random, offset, y);

    public override void Map<TOp>(TOp op, Tensor x, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Map(op, wide.Of(x), wide.Into(y));
    }

    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Map(op, wide.Of(a), wide.Of(b), wide.Into(y));
    }

    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Map(op, wide.Of(a), wide.Of(b), wide.Of(c), wide.Into(y));
    }

    public override void Compare(Comparison comparison, Tensor a, Tensor b, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Compare(comparison, wide.Of(a), wide.Of(b), y);
    }

    public override void Select(Tensor condition, Tensor a, Tensor b, Tensor y) => inner.Select(condition, a, b, y);

    public override void Reduce<TOp>(TOp op, Tensor x, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Reduce(op, wide.Of(x), wide.Into(y));
    }

    public override void ArgReduce(bool largest, Tensor x, Tensor y)
    {
        using Wide wide = new(inner);
        inner.ArgReduce(largest, wide.Of(x), y);
    }

    public override void CumulativeSum(Tensor x, Tensor y)
    {
        using Wide wide = new(inner);
        inner.CumulativeSum(wide.Of(x), wide.Into(y));
    }

    public override void TopK(Tensor x, int k, Tensor values, Tensor indices)
    {
        using Wide wide = new(inner);
        inner.TopK(wide.Of(x), k, wide.Into(values), indices);
    }

    // A b of 16 bits is the kernels' own affair.
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
    {
        using Wide wide = new(inner);
        inner.MatMul(activation, wide.Of(a), b, wide.OfOptional(bias), wide.Into(y, accumulate), wide.IntoOptional(preActivation), accumulate);
    }

    public override void Softmax(bool logarithm, Tensor x, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Softmax(logarithm, wide.Of(x), wide.Into(y));
    }

    public override void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx)
    {
        using Wide wide = new(inner);
        inner.SoftmaxGradient(logarithm, wide.Of(y), wide.Of(dy), wide.Into(dx));
    }

    public override void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd)
    {
        using Wide wide = new(inner);
        inner.LayerNorm(wide.Of(x), wide.OfOptional(gamma), wide.OfOptional(beta), epsilon, wide.Into(y), mean, rstd);
    }

    public override void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta)
    {
        using Wide wide = new(inner);
        inner.LayerNormGradient(wide.Of(dy), wide.Of(x), wide.OfOptional(gamma), mean, rstd, wide.Into(dx), dgamma, dbeta);
    }

    public override void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd)
    {
        using Wide wide = new(inner);
        inner.RmsNorm(wide.Of(x), wide.OfOptional(gamma), epsilon, wide.Into(y), rstd);
    }

    public override void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma)
    {
        using Wide wide = new(inner);
        inner.RmsNormGradient(wide.Of(dy), wide.Of(x), wide.OfOptional(gamma), rstd, wide.Into(dx), dgamma);
    }

    public override void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp)
    {
        using Wide wide = new(inner);
        inner.CrossEntropy(wide.Of(logits), targets, wide.OfOptional(classWeights), options, wide.Into(losses), wide.Into(weights), wide.Into(logSumExp));
    }

    public override void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits)
    {
        using Wide wide = new(inner);
        inner.CrossEntropyGradient(wide.Of(rowScale), wide.Of(logits), targets, wide.OfOptional(classWeights), options, wide.Of(logSumExp), wide.Into(dlogits));
    }

    public override void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp)
    {
        using Wide wide = new(inner);
        inner.Attention(wide.Of(query), wide.Of(key), wide.Of(value), wide.OfOptional(mask), options, wide.Into(y), logSumExp);
    }

    public override void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options,
        Tensor y, Tensor logSumExp, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask)
    {
        using Wide wide = new(inner);
        inner.AttentionGradient(wide.Of(dy), wide.Of(query), wide.Of(key), wide.Of(value), wide.OfOptional(mask), options, wide.Of(y), logSumExp,
            wide.IntoOptional(dquery), wide.IntoOptional(dkey), wide.IntoOptional(dvalue), wide.IntoOptional(dmask));
    }

    public override void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Rotary(inverse, wide.Of(x), wide.Of(cosine), wide.Of(sine), wide.Into(y));
    }

    public override void Gather(int axis, Tensor x, Tensor index, Tensor y) => inner.Gather(axis, x, index, y);

    public override void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y)
    {
        using Wide wide = new(inner);
        inner.ScatterAdd(axis, wide.Of(x), index, wide.Into(y, keeps: true));
    }

    public override void IndexSelect(Tensor x, Tensor index, Tensor y) => inner.IndexSelect(x, index, y);

    public override void IndexAdd(Tensor x, Tensor index, Tensor y)
    {
        using Wide wide = new(inner);
        inner.IndexAdd(wide.Of(x), index, wide.Into(y, keeps: true));
    }

    public override void Unfold(Tensor x, WindowOptions options, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Unfold(wide.Of(x), options, wide.Into(y));
    }

    public override void Fold(Tensor x, WindowOptions options, Tensor y)
    {
        using Wide wide = new(inner);
        inner.Fold(wide.Of(x), options, wide.Into(y));
    }

    public override void ArenaUpdate<TRule>(TRule rule, ArenaStep step) => inner.ArenaUpdate(rule, step);

    public override void ArenaFold(ArenaStep step) => inner.ArenaFold(step);

    public override void ArenaProject(ArenaStep step) => inner.ArenaProject(step);

    public override void ArenaMeasure<TMeasure>(TMeasure measure, ArenaStep step) => inner.ArenaMeasure(measure, step);

    public override void ArenaDecide<TDecision>(TDecision decision, ArenaStep step) => inner.ArenaDecide(decision, step);

    public override void ArenaApply<TRule>(TRule rule, ArenaStep step) => inner.ArenaApply(rule, step);

    /// <summary>The float32 temporaries of one operation; results are rounded, and all is given back, when it is disposed.</summary>
    sealed class Wide(Backend backend) : IDisposable
    {
        List<(Tensor Temporary, Tensor? Result)>? temporaries;

        public Tensor? OfOptional(Tensor? x) => x is null ? null : Of(x);

        public Tensor Of(Tensor x)
        {
            if (!x.DType.IsNarrow()) return x;

            // What is stretched is widened once and stretched again.
            Tensor elements = x;
            for (int axis = 0; axis < x.Rank; axis++)
                if (x.Strides[axis] == 0) elements = elements.Slice(axis, 0, 1);
            return Temporary(elements, copies: true, result: null).Expand(x.Shape);
        }

        public Tensor? IntoOptional(Tensor? y) => y is null ? null : Into(y);

        public Tensor Into(Tensor y, bool keeps = false) => y.DType.IsNarrow() ? Temporary(y, keeps, result: y) : y;

        public void Dispose()
        {
            if (temporaries is null) return;
            foreach ((Tensor temporary, Tensor? result) in temporaries)
            {
                if (result is not null) backend.Copy(temporary, result);
                temporary.Release();
            }
        }

        Tensor Temporary(Tensor like, bool copies, Tensor? result)
        {
            Tensor temporary = like.EmptyLike(dtype: DType.Float32);
            if (copies) backend.Copy(like, temporary);
            (temporaries ??= []).Add((temporary, result));
            return temporary;
        }
    }
}
