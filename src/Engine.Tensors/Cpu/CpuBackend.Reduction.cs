namespace Engine.Tensors;

/// <content>Reduction on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Reduce<TOp>(TOp op, Tensor x, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void ArgReduce(bool largest, Tensor x, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void CumulativeSum(Tensor x, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void TopK(Tensor x, int k, Tensor values, Tensor indices) => throw new NotSupportedException();
}
