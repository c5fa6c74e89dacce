namespace Engine.Tensors;

/// <content>Windows of images.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Unfold(Tensor x, WindowOptions options, Tensor y)
    {
        Simd.Run(x.DType, new WindowKernel(false, x, options, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Fold(Tensor x, WindowOptions options, Tensor y)
    {
        Simd.Run(x.DType, new WindowKernel(true, y, options, x));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }
}
