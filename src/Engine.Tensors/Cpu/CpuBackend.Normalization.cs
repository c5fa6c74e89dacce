namespace Engine.Tensors;

/// <content>Normalization on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Softmax(bool logarithm, Tensor x, Tensor y) => Simd.Run(x.DType, new SoftmaxKernel(logarithm, x, y));

    /// <inheritdoc/>
    public override void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx) =>
        Simd.Run(y.DType, new SoftmaxGradientKernel(logarithm, y, dy, dx));

    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd) =>
        Simd.Run(x.DType, new LayerNormKernel(x, gamma, beta, epsilon, y, mean, rstd));

    /// <inheritdoc/>
    public override void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta) =>
        Simd.Run(x.DType, new LayerNormGradientKernel(pool, dy, x, gamma, mean, rstd, dx, dgamma, dbeta));

    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd) =>
        Simd.Run(x.DType, new LayerNormKernel(x, gamma, null, epsilon, y, null, rstd));

    /// <inheritdoc/>
    public override void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma) =>
        Simd.Run(x.DType, new LayerNormGradientKernel(pool, dy, x, gamma, null, rstd, dx, dgamma, null));
}
