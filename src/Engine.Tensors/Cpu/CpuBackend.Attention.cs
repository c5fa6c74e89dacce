namespace Engine.Tensors;

/// <content>Attention on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp, Tensor dquery, Tensor dkey, Tensor dvalue, Tensor? dmask) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y) => throw new NotSupportedException();
}
