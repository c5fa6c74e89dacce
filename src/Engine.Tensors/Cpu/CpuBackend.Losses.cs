namespace Engine.Tensors;

/// <content>Losses on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits) => throw new NotSupportedException();
}
