using Engine.Tensors;

namespace Engine.Gpu;

sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate) => throw new NotImplementedException();
}
