using System.Numerics;

namespace Engine.Tensors;

/// <content>Attention on the CPU.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Attention(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp) =>
        Simd.Run(query.DType, new AttentionKernel(query, key, value, mask, options, y, logSumExp));

    /// <inheritdoc/>
    public override void AttentionGradient(Tensor dy, Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options,
        Tensor y, Tensor logSumExp, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask) =>
        Simd.Run(query.DType, new AttentionGradientKernel(dy, new(query, key, value, mask, options, y, logSumExp), dquery, dkey, dvalue, dmask));

    /// <inheritdoc/>
    public override void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y) =>
        Simd.Run(x.DType, new RotaryKernel(inverse, x, cosine, sine, y));
}

/// <summary>softmax(scale q k^T + mask) v.</summary>
readonly struct AttentionKernel(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp) : ISimdKernel
{
    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        AttentionForward<TLane, T>.Run(Problem<T>());
        KeepAlive();
    }

    /// <summary>The operands as a kernel sees them; the caller keeps them alive.</summary>
    public AttentionProblem<T> Problem<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        new(query, key, value, mask, options, y, logSumExp);

    /// <summary>Keeps the memory of all operands until here.</summary>
    public void KeepAlive()
    {
        GC.KeepAlive(query);
        GC.KeepAlive(key);
        GC.KeepAlive(value);
        GC.KeepAlive(mask);
        GC.KeepAlive(y);
        GC.KeepAlive(logSumExp);
    }
}

/// <summary>The gradients of <see cref="AttentionKernel"/>.</summary>
readonly struct AttentionGradientKernel(Tensor dy, AttentionKernel forward, Tensor? dquery, Tensor? dkey, Tensor? dvalue, Tensor? dmask) : ISimdKernel
{
    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        AttentionBackward<TLane, T>.Run(forward.Problem<T>(), new(dy, dquery, dkey, dvalue, dmask));
        forward.KeepAlive();
        GC.KeepAlive(dy);
        GC.KeepAlive(dquery);
        GC.KeepAlive(dkey);
        GC.KeepAlive(dvalue);
        GC.KeepAlive(dmask);
    }
}
