using Engine.Tensors;

namespace Engine.Gpu;

/// <content>Attention and its gradients.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    /// <remarks>logSumExp is float32 for operands of 16 bits.</remarks>
    public override void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp)
    {
        ElementTypes.Run(query.DType, new AttentionLaunch(Runtime, query, key, value, mask, options, y, logSumExp));
        GC.KeepAlive(query);
        GC.KeepAlive(key);
        GC.KeepAlive(value);
        GC.KeepAlive(mask);
        GC.KeepAlive(y);
        GC.KeepAlive(logSumExp);
    }

    /// <inheritdoc/>
    public override void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options,
        Tensor y, Tensor logSumExp, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask)
    {
        AttentionLaunch forward = new(Runtime, query, key, value, mask, options, y, logSumExp);
        ElementTypes.Run(query.DType, new AttentionGradientLaunch(forward, dy, dquery, dkey, dvalue, dmask));
        GC.KeepAlive(dy);
        GC.KeepAlive(query);
        GC.KeepAlive(key);
        GC.KeepAlive(value);
        GC.KeepAlive(mask);
        GC.KeepAlive(y);
        GC.KeepAlive(logSumExp);
        GC.KeepAlive(dquery);
        GC.KeepAlive(dkey);
        GC.KeepAlive(dvalue);
        GC.KeepAlive(dmask);
    }
}
