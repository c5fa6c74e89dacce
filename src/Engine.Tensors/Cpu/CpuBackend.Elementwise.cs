namespace Engine.Tensors;

/// <content>Elementwise on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor x, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Compare(Comparison comparison, Tensor a, Tensor b, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Select(Tensor condition, Tensor a, Tensor b, Tensor y) => throw new NotSupportedException();
}
