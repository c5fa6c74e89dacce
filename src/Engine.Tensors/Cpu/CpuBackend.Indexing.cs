namespace Engine.Tensors;

/// <content>Indexing on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Gather(int axis, Tensor x, Tensor index, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void IndexSelect(Tensor x, Tensor index, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void IndexAdd(Tensor x, Tensor index, Tensor y) => throw new NotSupportedException();
}
