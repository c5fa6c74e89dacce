namespace Engine.Tensors;

/// <content>Normalization on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Softmax(bool logarithm, Tensor x, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma) => throw new NotSupportedException();
}
