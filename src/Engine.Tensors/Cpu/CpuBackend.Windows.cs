namespace Engine.Tensors;

/// <content>Windows on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Unfold(Tensor x, WindowOptions options, Tensor y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Fold(Tensor x, WindowOptions options, Tensor y) => throw new NotSupportedException();
}
