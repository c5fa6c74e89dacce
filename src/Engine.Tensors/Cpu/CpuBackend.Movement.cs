namespace Engine.Tensors;

/// <content>Filling, copying, drawing.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Fill(double value, Tensor y)
    {
        Elements.Run(y.DType, new FillKernel(value, y));
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y)
    {
        if (x.DType == y.DType) Elements.RunBits(x.DType, new CopyKernel(x, y));
        else Elements.Run(x.DType, new Conversion(x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Uniform(Philox random, ulong offset, Tensor y)
    {
        Draw.Fill<UniformDistribution>(random, offset, y);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Normal(Philox random, ulong offset, Tensor y)
    {
        Draw.Fill<NormalDistribution>(random, offset, y);
        GC.KeepAlive(y);
    }
}
