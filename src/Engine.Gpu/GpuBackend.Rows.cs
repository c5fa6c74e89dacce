using Engine.Tensors;

namespace Engine.Gpu;

sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Reduce<TOp>(TOp op, Tensor x, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void ArgReduce(bool largest, Tensor x, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void CumulativeSum(Tensor x, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void TopK(Tensor x, int k, Tensor values, Tensor indices) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Softmax(bool logarithm, Tensor x, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Gather(int axis, Tensor x, Tensor index, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void IndexSelect(Tensor x, Tensor index, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void IndexAdd(Tensor x, Tensor index, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Unfold(Tensor x, WindowOptions options, Tensor y) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void Fold(Tensor x, WindowOptions options, Tensor y) => throw new NotImplementedException();
}
