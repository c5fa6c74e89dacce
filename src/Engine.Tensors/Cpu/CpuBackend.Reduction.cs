namespace Engine.Tensors;

/// <content>Folds over axes, and questions of order along rows.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Reduce<TOp>(TOp op, Tensor x, Tensor y)
    {
        Simd.Run(x.DType, new ReduceKernel<TOp>(op, x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void ArgReduce(bool largest, Tensor x, Tensor y)
    {
        Simd.Run(x.DType, new ArgReduceKernel(largest, x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void CumulativeSum(Tensor x, Tensor y)
    {
        Simd.Run(x.DType, new CumulativeSumKernel(x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void TopK(Tensor x, int k, Tensor values, Tensor indices)
    {
        Simd.Run(x.DType, new TopKKernel(x, k, values, indices));
        GC.KeepAlive(x);
        GC.KeepAlive(values);
        GC.KeepAlive(indices);
    }
}
