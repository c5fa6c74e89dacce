namespace Engine.Tensors;

/// <content>MatMul on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate) => throw new NotSupportedException();
}
