namespace Engine.Tensors;

/// <summary>y[i, j, k] = x[i, index[i, j, k], k], as bits. index is dense.</summary>
readonly unsafe struct GatherKernel(int axis, Tensor x, Tensor index, Tensor y) : IBitsKernel
{
    readonly int axis = axis;
    readonly Tensor x = x, index = index, y = y;

    public void Run<TBits>() where TBits : unmanaged, System.Numerics.IBinaryInteger<TBits>
    {
        TBits* px = CpuBackend.Pointer<TBits>(x), py = CpuBackend.Pointer<TBits>(y);
        int* pi = CpuBackend.Pointer<int>(index);
        Lines lines = new(index.Shape, axis, x.Strides);
        long step = x.Strides[axis];
        Rows.ForEach(lines.Outer * lines.Extent, lines.Inner, row =>
        {
            long outer = row / lines.Extent, first = row * lines.Inner;
            for (long k = 0; k < lines.Inner; k++) py[first + k] = px[lines.Offset(outer, k) + pi[first + k] * step];
        });
    }
}

/// <summary>y[i, index[i, j, k], k] += x[i, j, k] in the order of j. index and x are dense; y, too.</summary>
readonly struct ScatterAddKernel(int axis, Tensor x, Tensor index, Tensor y) : ISimdKernel
{
    readonly int axis = axis;
    readonly Tensor x = x, index = index, y = y;

    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        T* px = CpuBackend.Pointer<T>(x), py = CpuBackend.Pointer<T>(y);
        int* pi = CpuBackend.Pointer<int>(index);
        Lines lines = new(x.Shape, axis, y.Strides);
        long step = y.Strides[axis];

        // Different lines along the axis never meet: they are what threads share.
        const int Columns = 256;
        long strips = (lines.Inner + Columns - 1) / Columns;
        Rows.ForEach(lines.Outer * strips, lines.Extent * Math.Min(lines.Inner, Columns), item =>
        {
            long outer = item / strips, begin = item % strips * Columns, end = Math.Min(lines.Inner, begin + Columns);
            for (long j = 0; j < lines.Extent; j++)
            {
                long first = (outer * lines.Extent + j) * lines.Inner;
                for (long k = begin; k < end; k++) py[lines.Offset(outer, k) + pi[first + k] * step] += px[first + k];
            }
        });
    }
}

/// <summary>A dense tensor as [Outer, Extent, Inner] around one axis, and where its lines lie in another tensor of equal rank.</summary>
sealed class Lines
{
    readonly int[] extents, strides;
    readonly int axis;

    public Lines(Shape shape, int axis, ReadOnlySpan<int> otherStrides)
    {
        (extents, strides, this.axis) = (shape.AsSpan().ToArray(), otherStrides.ToArray(), axis);
        (Outer, Extent, Inner) = (1, extents[axis], 1);
        for (int i = 0; i < axis; i++) Outer *= extents[i];
        for (int i = axis + 1; i < extents.Length; i++) Inner *= extents[i];
    }

    public long Outer { get; }

    public long Extent { get; }

    public long Inner { get; }

    /// <summary>The other tensor's offset of a line, without the axis itself.</summary>
    public long Offset(long outer, long inner)
    {
        long offset = 0;
        for (int i = extents.Length - 1; i > axis; i--)
        {
            if (i == axis + 1) return offset + inner * strides[i] + OuterOffset(outer);
            (inner, long coordinate) = Math.DivRem(inner, extents[i]);
            offset += coordinate * strides[i];
        }

        return offset + OuterOffset(outer);
    }

    long OuterOffset(long outer)
    {
        long offset = 0;
        for (int i = axis - 1; i >= 0 && outer > 0; i--)
        {
            (outer, long coordinate) = Math.DivRem(outer, extents[i]);
            offset += coordinate * strides[i];
        }

        return offset;
    }
}

/// <summary>y[o, j, i] = x[o, index[j], i]: rows copied as bits.</summary>
readonly unsafe struct IndexSelectKernel(Tensor x, Tensor index, Tensor y) : IBitsKernel
{
    readonly Tensor x = x, index = index, y = y;

    public void Run<TBits>() where TBits : unmanaged, System.Numerics.IBinaryInteger<TBits>
    {
        TBits* px = CpuBackend.Pointer<TBits>(x), py = CpuBackend.Pointer<TBits>(y);
        int* pi = CpuBackend.Pointer<int>(index);
        int count = x.Shape[1], taken = y.Shape[1], length = x.Shape[2];
        Rows.ForEach((long)x.Shape[0] * taken, length, row =>
        {
            (long outer, long j) = Math.DivRem(row, taken);
            new ReadOnlySpan<TBits>(px + (outer * count + pi[j]) * length, length).CopyTo(new Span<TBits>(py + row * length, length));
        });
    }
}

/// <summary>y[o, index[j], i] += x[o, j, i] in the order of j.</summary>
readonly struct IndexAddKernel(Tensor x, Tensor index, Tensor y) : ISimdKernel
{
    // A row of y belongs to one of these shares; each walks the whole index in order and adds what is its own, so no
    // two threads meet in a row and every row is summed in the order of j.
    const int Shares = 16;

    readonly Tensor x = x, index = index, y = y;

    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        T* px = CpuBackend.Pointer<T>(x), py = CpuBackend.Pointer<T>(y);
        int* pi = CpuBackend.Pointer<int>(index);
        int outers = x.Shape[0], added = x.Shape[1], length = x.Shape[2], count = y.Shape[1];
        int shares = (long)added * length > Map.Grain ? Shares : 1;
        Rows.ForEach((long)outers * shares, (long)added * length / shares, item =>
        {
            (long outer, long share) = Math.DivRem(item, shares);
            for (int j = 0; j < added; j++)
            {
                if ((uint)pi[j] % (uint)shares != share) continue;
                T* target = py + (outer * count + pi[j]) * length;
                Map.Loop<Add, TLane, T>(default, target, px + (outer * added + j) * length, target, length);
            }
        });
    }
}
