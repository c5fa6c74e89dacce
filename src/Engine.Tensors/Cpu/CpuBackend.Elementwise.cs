namespace Engine.Tensors;

/// <content>Formulas, comparisons and choices, element by element.</content>
public sealed partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor x, Tensor y)
    {
        Tensor straight = Straightened(x, y);
        Simd.Run(y.DType, new UnaryMap<TOp>(op, straight, y));
        if (straight != x) straight.Release();
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y)
    {
        Tensor left = Straightened(a, y), right = Straightened(b, y);
        Simd.Run(y.DType, new BinaryMap<TOp>(op, left, right, y));
        if (left != a) left.Release();
        if (right != b) right.Release();
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y)
    {
        Tensor first = Straightened(a, y), second = Straightened(b, y), third = Straightened(c, y);
        Simd.Run(y.DType, new TernaryMap<TOp>(op, first, second, third, y));
        if (first != a) first.Release();
        if (second != b) second.Release();
        if (third != c) third.Release();
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
        GC.KeepAlive(y);
    }

    // An operand that lies across a dense y is turned in tiles first: gathering column by column would touch a new cache
    // line for every element.
    static Tensor Straightened(Tensor x, Tensor y)
    {
        const int WorthACopy = 16384;
        return y.IsContiguous && !x.IsContiguous && y.ElementCount >= WorthACopy && StridedWalk.Over(y, x).TurnedAxis() >= 0 ? x.Clone() : x;
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
