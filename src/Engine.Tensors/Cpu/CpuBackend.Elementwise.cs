namespace Engine.Tensors;

/// <content>Formulas, comparisons and choices, element by element.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor x, Tensor y)
    {
        Simd.Run(y.DType, new UnaryMap<TOp>(op, x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y)
    {
        Simd.Run(y.DType, new BinaryMap<TOp>(op, a, b, y));
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y)
    {
        Simd.Run(y.DType, new TernaryMap<TOp>(op, a, b, c, y));
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Compare(Comparison comparison, Tensor a, Tensor b, Tensor y)
    {
        CompareKernel kernel = new(comparison, a, b, y);
        switch (a.DType)
        {
            case DType.Float32: kernel.Run<float>(); break;
            case DType.Float64: kernel.Run<double>(); break;
            case DType.Float16: kernel.Run<Half>(); break;
            case DType.Int64: kernel.Run<long>(); break;
            case DType.Int32: kernel.Run<int>(); break;
            case DType.Bool: kernel.Run<byte>(); break;
            default: throw new ShapeException($"Compare: {a.DType} is storage only; convert with To(DType).");
        }

        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Select(Tensor condition, Tensor a, Tensor b, Tensor y)
    {
        Elements.RunBits(y.DType, new SelectKernel(condition, a, b, y));
        GC.KeepAlive(condition);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }
}
