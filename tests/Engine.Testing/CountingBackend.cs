using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Testing;

/// <summary>
/// A backend that forwards everything to another and counts the calls by name: what runs on a device over it has not named
/// the device underneath.
/// </summary>
public sealed class CountingBackend(Backend inner) : Backend
{
    readonly ConcurrentDictionary<string, int> calls = new();

    /// <summary>How often each method was called.</summary>
    public IReadOnlyDictionary<string, int> Calls => calls;

    public override string Description => $"counting the calls of {inner.Description}";

    public override MemoryUse Memory => inner.Memory;

    public override void ResetPeakMemory() => inner.ResetPeakMemory();

    Backend Count([CallerMemberName] string method = "")
    {
        calls.AddOrUpdate(method, 1, (_, count) => count + 1);
        return inner;
    }

    public override Storage? Borrow(nint address, long bytes, IDisposable owner) => Count().Borrow(address, bytes, owner);

    public override Storage Allocate(long bytes) => Count().Allocate(bytes);

    public override void Write(ReadOnlySpan<byte> source, Storage target, long offset) => Count().Write(source, target, offset);

    public override void Read(Storage source, long offset, Span<byte> target) => Count().Read(source, offset, target);

    public override void Synchronize() => Count().Synchronize();

    public override void Fill(double value, Tensor y) => Count().Fill(value, y);

    public override void Copy(Tensor x, Tensor y) => Count().Copy(x, y);

    public override void Uniform(Philox random, ulong offset, Tensor y) => Count().Uniform(random, offset, y);

    public override void Normal(Philox random, ulong offset, Tensor y) => Count().Normal(random, offset, y);

    public override void Map<TOp>(TOp op, Tensor x, Tensor y) => Count().Map(op, x, y);

    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y) => Count().Map(op, a, b, y);

    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y) => Count().Map(op, a, b, c, y);

    public override void Compare(Comparison comparison, Tensor a, Tensor b, Tensor y) => Count().Compare(comparison, a, b, y);

    public override void Select(Tensor condition, Tensor a, Tensor b, Tensor y) => Count().Select(condition, a, b, y);

    public override void Reduce<TOp>(TOp op, Tensor x, Tensor y) => Count().Reduce(op, x, y);

    public override void ArgReduce(bool largest, Tensor x, Tensor y) => Count().ArgReduce(largest, x, y);

    public override void CumulativeSum(Tensor x, Tensor y) => Count().CumulativeSum(x, y);

    public override void TopK(Tensor x, int k, Tensor values, Tensor indices) => Count().TopK(x, k, values, indices);

    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y,
        Tensor? preActivation, bool accumulate) =>
        Count().MatMul(activation, a, b, bias, y, preActivation, accumulate);

    public override void Softmax(bool logarithm, Tensor x, Tensor y) => Count().Softmax(logarithm, x, y);

    public override void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx) =>
        Count().SoftmaxGradient(logarithm, y, dy, dx);

    public override void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd) =>
        Count().LayerNorm(x, gamma, beta, epsilon, y, mean, rstd);

    public override void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx,
        Tensor? dgamma, Tensor? dbeta) =>
        Count().LayerNormGradient(dy, x, gamma, mean, rstd, dx, dgamma, dbeta);

    public override void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd) =>
        Count().RmsNorm(x, gamma, epsilon, y, rstd);

    public override void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma) =>
        Count().RmsNormGradient(dy, x, gamma, rstd, dx, dgamma);

    public override void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options,
        Tensor losses, Tensor weights, Tensor logSumExp) =>
        Count().CrossEntropy(logits, targets, classWeights, options, losses, weights, logSumExp);

    public override void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights,
        CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits) =>
        Count().CrossEntropyGradient(rowScale, logits, targets, classWeights, options, logSumExp, dlogits);

    public override void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y,
        Tensor logSumExp) =>
        Count().Attention(query, key, value, mask, options, y, logSumExp);

    public override void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask,
        AttentionOptions options, Tensor y, Tensor logSumExp, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask) =>
        Count().AttentionGradient(dy, query, key, value, mask, options, y, logSumExp, dquery, dkey, dvalue, dmask);

    public override void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y) =>
        Count().Rotary(inverse, x, cosine, sine, y);

    public override void Gather(int axis, Tensor x, Tensor index, Tensor y) => Count().Gather(axis, x, index, y);

    public override void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y) => Count().ScatterAdd(axis, x, index, y);

    public override void IndexSelect(Tensor x, Tensor index, Tensor y) => Count().IndexSelect(x, index, y);

    public override void IndexAdd(Tensor x, Tensor index, Tensor y) => Count().IndexAdd(x, index, y);

    public override void Unfold(Tensor x, WindowOptions options, Tensor y) => Count().Unfold(x, options, y);

    public override void Fold(Tensor x, WindowOptions options, Tensor y) => Count().Fold(x, options, y);

    public override void ArenaUpdate<TRule>(TRule rule, ArenaStep step) => Count().ArenaUpdate(rule, step);

    public override void ArenaFold(ArenaStep step) => Count().ArenaFold(step);

    public override void ArenaProject(ArenaStep step) => Count().ArenaProject(step);

    public override void ArenaMeasure<TMeasure>(TMeasure measure, ArenaStep step) => Count().ArenaMeasure(measure, step);

    public override void ArenaDecide<TDecision>(TDecision decision, ArenaStep step) => Count().ArenaDecide(decision, step);

    public override void ArenaApply<TRule>(TRule rule, ArenaStep step) => Count().ArenaApply(rule, step);
}
