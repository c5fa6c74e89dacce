namespace Engine.Tensors;

/// <content>Reading and adding at places that tensors name.</content>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Gather(int axis, Tensor x, Tensor index, Tensor y)
    {
        Tensor places = index.Contiguous();
        CheckIndex("Gather", places, x.Shape[axis]);
        Elements.RunBits(x.DType, new GatherKernel(axis, x, places, y));
        if (places != index) places.Release();
        KeepAlive(x, index, y);
    }

    /// <inheritdoc/>
    public override void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y)
    {
        Tensor places = index.Contiguous(), source = x.Contiguous();
        CheckIndex("ScatterAdd", places, y.Shape[axis]);
        Simd.Run(y.DType, new ScatterAddKernel(axis, source, places, y));
        if (places != index) places.Release();
        if (source != x) source.Release();
        KeepAlive(x, index, y);
    }

    /// <inheritdoc/>
    public override void IndexSelect(Tensor x, Tensor index, Tensor y)
    {
        Tensor places = index.Contiguous();
        CheckIndex("IndexSelect", places, x.Shape[1]);
        Elements.RunBits(x.DType, new IndexSelectKernel(x, places, y));
        if (places != index) places.Release();
        KeepAlive(x, index, y);
    }

    /// <inheritdoc/>
    public override void IndexAdd(Tensor x, Tensor index, Tensor y)
    {
        Tensor places = index.Contiguous();
        CheckIndex("IndexAdd", places, y.Shape[1]);
        Simd.Run(y.DType, new IndexAddKernel(x, places, y));
        if (places != index) places.Release();
        KeepAlive(x, index, y);
    }

    // Before anything is written: a wrong index leaves no trace, and the kernels need not look.
    static void CheckIndex(string operation, Tensor index, int extent)
    {
        int* places = Pointer<int>(index);
        long count = index.ElementCount;
        for (long i = 0; i < count; i++)
        {
            if ((uint)places[i] >= (uint)extent)
                throw new ShapeException($"{operation}: index {places[i]} at place {i} lies outside an axis of extent {extent} (0 to {extent - 1}).");
        }
    }

    static void KeepAlive(Tensor a, Tensor b, Tensor c)
    {
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
    }
}
