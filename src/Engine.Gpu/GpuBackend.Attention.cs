using Engine.Tensors;

namespace Engine.Gpu;

sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp) => throw new NotImplementedException();

    /// <inheritdoc/>
    public override void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask) => throw new NotImplementedException();
}
