using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// A backend that passes everything on to another and notes for each operation how often it was called, how long it took, and
/// how much arithmetic and memory traffic that was. Whoever does not wrap a backend pays nothing.
/// </summary>
/// <remarks>On a device that queues its work, every operation is waited for: the sum of the times is more than they take one after the other.</remarks>
/// <example><code>
/// ProfilingBackend profile = new(Device.Default.Backend);
/// VisionTransformer model = new(config, device: new Device("cpu", 0, profile));
/// // ... a training step ...
/// foreach (OperationProfile operation in profile.Operations()) Console.WriteLine($"{operation.Name} {operation.Seconds}");
/// </code></example>
public class ProfilingBackend(Backend inner) : Backend
{
    readonly Lock gate = new();
    readonly Dictionary<(string Method, string Formula, string Shape), OperationProfile> operations = [];

    // Ticks in operations that the current one called: a kernel may straighten an operand by a copy.
    [ThreadStatic] static long nested;

    /// <inheritdoc/>
    public override string Description => inner.Description;

    /// <inheritdoc/>
    public override MemoryUse Memory => inner.Memory;

    /// <inheritdoc/>
    public override void ResetPeakMemory() => inner.ResetPeakMemory();

    /// <summary>What was called since the beginning or the last <see cref="Clear"/>, the most expensive first.</summary>
    /// <param name="byShape">A row for each shape, instead of one for each operation.</param>
    public IReadOnlyList<OperationProfile> Operations(bool byShape = false)
    {
        lock (gate)
        {
            IEnumerable<OperationProfile> rows = operations.Values;
            if (!byShape)
            {
                rows = rows.GroupBy(row => row.Name).Select(group => group.Aggregate((sum, row) => sum.Plus(row)) with { Shape = "" });
            }

            return [.. rows.OrderByDescending(row => row.Seconds)];
        }
    }

    /// <summary>Forgets what was noted.</summary>
    public void Clear()
    {
        lock (gate) operations.Clear();
    }

    /// <inheritdoc/>
    public override Storage Allocate(long bytes)
    {
        using Call call = Begin([]);
        return inner.Allocate(bytes);
    }

    /// <inheritdoc/>
    public override Storage? Borrow(nint address, long bytes, IDisposable owner)
    {
        using Call call = Begin([]);
        return inner.Borrow(address, bytes, owner);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> source, Storage target, long offset)
    {
        using Call call = Begin([], extraBytes: source.Length);
        inner.Write(source, target, offset);
    }

    /// <inheritdoc/>
    public override void Read(Storage source, long offset, Span<byte> target)
    {
        using Call call = Begin([], extraBytes: target.Length);
        inner.Read(source, offset, target);
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        using Call call = Begin([]);
        inner.Synchronize();
    }

    /// <inheritdoc/>
    public override void Fill(double value, Tensor y)
    {
        using Call call = Begin([y]);
        inner.Fill(value, y);
    }

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y)
    {
        using Call call = Begin([x, y]);
        inner.Copy(x, y);
    }

    /// <inheritdoc/>
    public override void Uniform(Philox random, ulong offset, Tensor y)
    {
        using Call call = Begin([y]);
        inner.Uniform(random, offset, y);
    }

    /// <inheritdoc/>
    public override void Normal(Philox random, ulong offset, Tensor y)
    {
        using Call call = Begin([y]);
        inner.Normal(random, offset, y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor x, Tensor y)
    {
        using Call call = Begin([x, y], typeof(TOp));
        inner.Map(op, x, y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y)
    {
        using Call call = Begin([a, b, y], typeof(TOp));
        inner.Map(op, a, b, y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y)
    {
        using Call call = Begin([a, b, c, y], typeof(TOp));
        inner.Map(op, a, b, c, y);
    }

    /// <inheritdoc/>
    public override void Compare(Comparison comparison, Tensor a, Tensor b, Tensor y)
    {
        using Call call = Begin([a, b, y]);
        inner.Compare(comparison, a, b, y);
    }

    /// <inheritdoc/>
    public override void Select(Tensor condition, Tensor a, Tensor b, Tensor y)
    {
        using Call call = Begin([condition, a, b, y]);
        inner.Select(condition, a, b, y);
    }

    /// <inheritdoc/>
    public override void Reduce<TOp>(TOp op, Tensor x, Tensor y)
    {
        using Call call = Begin([y, x], typeof(TOp));
        inner.Reduce(op, x, y);
    }

    /// <inheritdoc/>
    public override void ArgReduce(bool largest, Tensor x, Tensor y)
    {
        using Call call = Begin([y, x]);
        inner.ArgReduce(largest, x, y);
    }

    /// <inheritdoc/>
    public override void CumulativeSum(Tensor x, Tensor y)
    {
        using Call call = Begin([x, y]);
        inner.CumulativeSum(x, y);
    }

    /// <inheritdoc/>
    public override void TopK(Tensor x, int k, Tensor values, Tensor indices)
    {
        using Call call = Begin([values, indices, x]);
        inner.TopK(x, k, values, indices);
    }

    /// <inheritdoc/>
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
    {
        double flops = 2.0 * y.ElementCount * a.Shape[^1];
        using Call call = Begin([a, b, bias, preActivation, accumulate ? y : null, y], typeof(TActivation), flops, product: true);
        inner.MatMul(activation, a, b, bias, y, preActivation, accumulate);
    }

    /// <inheritdoc/>
    public override void Softmax(bool logarithm, Tensor x, Tensor y)
    {
        using Call call = Begin([x, y]);
        inner.Softmax(logarithm, x, y);
    }

    /// <inheritdoc/>
    public override void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx)
    {
        using Call call = Begin([y, dy, dx]);
        inner.SoftmaxGradient(logarithm, y, dy, dx);
    }

    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd)
    {
        using Call call = Begin([gamma, beta, mean, rstd, x, y]);
        inner.LayerNorm(x, gamma, beta, epsilon, y, mean, rstd);
    }

    /// <inheritdoc/>
    public override void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta)
    {
        using Call call = Begin([gamma, mean, rstd, dgamma, dbeta, dy, x, dx]);
        inner.LayerNormGradient(dy, x, gamma, mean, rstd, dx, dgamma, dbeta);
    }

    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd)
    {
        using Call call = Begin([gamma, rstd, x, y]);
        inner.RmsNorm(x, gamma, epsilon, y, rstd);
    }

    /// <inheritdoc/>
    public override void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma)
    {
        using Call call = Begin([gamma, rstd, dgamma, dy, x, dx]);
        inner.RmsNormGradient(dy, x, gamma, rstd, dx, dgamma);
    }

    /// <inheritdoc/>
    public override void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp)
    {
        using Call call = Begin([targets, classWeights, losses, weights, logSumExp, logits]);
        inner.CrossEntropy(logits, targets, classWeights, options, losses, weights, logSumExp);
    }

    /// <inheritdoc/>
    public override void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits)
    {
        using Call call = Begin([rowScale, targets, classWeights, logSumExp, logits, dlogits]);
        inner.CrossEntropyGradient(rowScale, logits, targets, classWeights, options, logSumExp, dlogits);
    }

    /// <inheritdoc/>
    public override void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp)
    {
        using Call call = Begin([key, value, mask, y, logSumExp, query], flops: 2.0 * Pairs(query, key, options) * (query.Shape[^1] + value.Shape[^1]));
        inner.Attention(query, key, value, mask, options, y, logSumExp);
    }

    /// <inheritdoc/>
    public override void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options,
        Tensor y, Tensor logSumExp, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask)
    {
        // The scores once more, and the gradients of scores, values, queries and keys.
        double flops = 2.0 * Pairs(query, key, options) * (3 * query.Shape[^1] + 2 * value.Shape[^1]);
        using Call call = Begin([dy, key, value, mask, y, logSumExp, dquery, dkey, dvalue, dmask, query], flops: flops);
        inner.AttentionGradient(dy, query, key, value, mask, options, y, logSumExp, dquery, dkey, dvalue, dmask);
    }

    /// <inheritdoc/>
    public override void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y)
    {
        using Call call = Begin([x, cosine, sine, y]);
        inner.Rotary(inverse, x, cosine, sine, y);
    }

    /// <inheritdoc/>
    public override void Gather(int axis, Tensor x, Tensor index, Tensor y)
    {
        using Call call = Begin([y, index, y]);
        inner.Gather(axis, x, index, y);
    }

    /// <inheritdoc/>
    public override void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y)
    {
        using Call call = Begin([x, index, x, x]);
        inner.ScatterAdd(axis, x, index, y);
    }

    /// <inheritdoc/>
    public override void IndexSelect(Tensor x, Tensor index, Tensor y)
    {
        using Call call = Begin([y, index, y]);
        inner.IndexSelect(x, index, y);
    }

    /// <inheritdoc/>
    public override void IndexAdd(Tensor x, Tensor index, Tensor y)
    {
        using Call call = Begin([x, index, x, x]);
        inner.IndexAdd(x, index, y);
    }

    /// <inheritdoc/>
    public override void Unfold(Tensor x, WindowOptions options, Tensor y)
    {
        using Call call = Begin([x, y]);
        inner.Unfold(x, options, y);
    }

    /// <inheritdoc/>
    public override void Fold(Tensor x, WindowOptions options, Tensor y)
    {
        using Call call = Begin([x, y]);
        inner.Fold(x, options, y);
    }

    /// <inheritdoc/>
    public override void ArenaUpdate<TRule>(TRule rule, ArenaStep step)
    {
        // Weights and states are read and written.
        Tensor? first = step.First, second = step.Second, third = step.Third;
        using Call call = Begin([step.Gradients, step.Anchors, first, first, second, second, third, third, step.Weights, step.Weights], typeof(TRule));
        inner.ArenaUpdate(rule, step);
    }

    /// <inheritdoc/>
    public override void ArenaMeasure<TMeasure>(TMeasure measure, ArenaStep step)
    {
        using Call call = Begin([step.Gradients, step.Anchors, step.First, step.Weights], typeof(TMeasure));
        inner.ArenaMeasure(measure, step);
    }

    /// <inheritdoc/>
    public override void ArenaDecide<TDecision>(TDecision decision, ArenaStep step)
    {
        using Call call = Begin([step.Rows?.Sums, step.Rows?.Scales], typeof(TDecision));
        inner.ArenaDecide(decision, step);
    }

    /// <inheritdoc/>
    public override void ArenaApply<TRule>(TRule rule, ArenaStep step)
    {
        Tensor? first = step.First, second = step.Second, third = step.Third;
        using Call call = Begin([step.Gradients, step.Anchors, first, first, second, second, third, third, step.Weights, step.Weights], typeof(TRule));
        inner.ArenaApply(rule, step);
    }

    /// <inheritdoc/>
    public override void ArenaFold(ArenaStep step)
    {
        using Call call = Begin([step.Partials, step.Scales]);
        inner.ArenaFold(step);
    }

    /// <inheritdoc/>
    public override void ArenaProject(ArenaStep step)
    {
        using Call call = Begin([step.Anchors, step.Weights, step.Weights]);
        inner.ArenaProject(step);
    }

    static double Pairs(Tensor query, Tensor key, AttentionOptions options)
    {
        double pairs = (double)query.Shape[0] * query.Shape[1] * query.Shape[2] * key.Shape[2];
        return options.Causal && query.Shape[2] > 1 ? pairs / 2 : pairs;
    }

    // What an operation touches; the last one gives the shape.
    Call Begin(ReadOnlySpan<Tensor?> operands, Type? formula = null, double flops = 0, double extraBytes = 0, bool product = false, [CallerMemberName] string method = "")
    {
        double bytes = extraBytes;
        Tensor? last = null;
        foreach (Tensor? operand in operands)
        {
            if (operand is null) continue;
            bytes += BytesOf(operand);
            last = operand;
        }

        string shape = last is null ? "" : product ? ProductShape(operands[0]!, operands[1]!, last) : last.Shape.ToString();
        return new(this, new(method, formula is null || formula == typeof(Identity) ? "" : NameOf(formula), shape, 1, 0, flops, bytes));
    }

    // GradientOf Gelu, not GradientOf`1.
    static string NameOf(Type formula) => formula.IsGenericType
        ? $"{formula.Name[..formula.Name.IndexOf('`', StringComparison.Ordinal)]} {string.Join(", ", formula.GetGenericArguments().Select(NameOf))}"
        : formula.Name;

    static string ProductShape(Tensor a, Tensor b, Tensor y)
    {
        long batch = y.ElementCount / ((long)y.Shape[^1] * y.Shape[^2]);
        return $"{(batch > 1 ? $"{batch} of " : "")}{y.Shape[^2]}{Turned(a)} x {a.Shape[^1]} x {y.Shape[^1]}{Turned(b)}";
    }

    // An operand that lies transposed.
    static string Turned(Tensor matrix) => matrix.Strides[^1] != 1 && matrix.Strides[^2] == 1 ? "'" : "";

    // An axis that is broadcast by a stride of 0 is there once.
    static double BytesOf(Tensor tensor)
    {
        double elements = 1;
        for (int axis = 0; axis < tensor.Rank; axis++)
            if (tensor.Strides[axis] != 0) elements *= tensor.Shape[axis];
        return elements * tensor.DType.Size();
    }

    void Note(in OperationProfile call)
    {
        lock (gate)
        {
            var key = (call.Method, call.Formula, call.Shape);
            operations[key] = operations.TryGetValue(key, out OperationProfile sum) ? sum.Plus(call) : call;
        }
    }

    // One call, from its construction to its disposal.
    readonly ref struct Call : IDisposable
    {
        readonly ProfilingBackend owner;
        readonly OperationProfile operation;
        readonly long outer, start;

        public Call(ProfilingBackend owner, OperationProfile operation)
        {
            (this.owner, this.operation) = (owner, operation);
            (outer, nested) = (nested, 0);
            start = Stopwatch.GetTimestamp();
        }

        public void Dispose()
        {
            owner.Finish(operation.Method);
            long elapsed = Stopwatch.GetTimestamp() - start;
            owner.Note(operation with { Seconds = (double)(elapsed - nested) / Stopwatch.Frequency });
            nested = outer + elapsed;
        }
    }

    // A device that queues its work is waited for; memory is handed out without a kernel.
    void Finish(string method)
    {
        if (inner is not CpuBackend && method is not (nameof(Allocate) or nameof(Borrow))) inner.Synchronize();
    }
}
