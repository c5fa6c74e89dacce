namespace Engine.Tensors;

/// <content>Losses on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp) =>
        Simd.Run(logits.DType, new CrossEntropyKernel(logits, targets, classWeights, options, losses, weights, logSumExp));

    /// <inheritdoc/>
    public override void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits) =>
        Simd.Run(logits.DType, new CrossEntropyGradientKernel(rowScale, logits, targets, classWeights, options, logSumExp, dlogits));
}
