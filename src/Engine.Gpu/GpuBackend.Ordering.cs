using System.Numerics;
using Engine.Tensors;

namespace Engine.Gpu;

/// <content>Questions of order along rows, and running sums.</content>
sealed partial class GpuBackend
{
    // Up to here the largest are looked for one after another; a row put in order costs about as much as reading it a
    // hundred times.
    const int FewLargest = 64;

    /// <inheritdoc/>
    public override void ArgReduce(bool largest, Tensor x, Tensor y)
    {
        switch (x.DType)
        {
            case DType.Float32: ArgReduce<SingleComparer, float>(largest, x, y); break;
            case DType.Float64: ArgReduce<DoubleComparer, double>(largest, x, y); break;
            case DType.BFloat16: ArgReduce<BrainComparer, ushort>(largest, x, y); break;
            case DType.Float16: ArgReduce<HalfComparer, ushort>(largest, x, y); break;
            default: throw new ShapeException($"Arithmetic runs on floating-point tensors, not {x.DType}; convert with To(DType).");
        }

        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    void ArgReduce<TComparer, TWord>(bool largest, Tensor x, Tensor y)
        where TComparer : struct, IWordComparer<TWord>
        where TWord : unmanaged
    {
        if (largest) First<Falling<TComparer, TWord>, TWord>(x, y);
        else First<Rising<TComparer, TWord>, TWord>(x, y);
    }

    void First<TOrder, TWord>(Tensor x, Tensor y)
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        int rows = x.Shape[0], length = x.Shape[1], threads = RowTeams.SizeFor(rows, length);
        SelectionArguments<TWord> a = new()
        {
            X = GpuRuntime.View<TWord>(x),
            Values = GpuRuntime.View<TWord>(x),
            Places = GpuRuntime.View<int>(y),
            Rows = rows,
            Length = length,
            Chosen = 1,
        };
        long groups = RowTeams.Groups(rows, threads);
        if (threads == OneThread.Size) Runtime.Launch(Selections.First<OneThread, TOrder, TWord>, groups, a);
        else if (threads == ThirtyTwoThreads.Size) Runtime.Launch(Selections.First<ThirtyTwoThreads, TOrder, TWord>, groups, a);
        else Runtime.Launch(Selections.First<WholeGroup, TOrder, TWord>, groups, a);
    }

    /// <inheritdoc/>
    public override void TopK(Tensor x, int k, Tensor values, Tensor indices)
    {
        switch (x.DType)
        {
            case DType.Float32: TopK<Falling<SingleComparer, float>, float>(x, k, values, indices); break;
            case DType.Float64: TopK<Falling<DoubleComparer, double>, double>(x, k, values, indices); break;
            case DType.BFloat16: TopK<Falling<BrainComparer, ushort>, ushort>(x, k, values, indices); break;
            case DType.Float16: TopK<Falling<HalfComparer, ushort>, ushort>(x, k, values, indices); break;
            default: throw new ShapeException($"Arithmetic runs on floating-point tensors, not {x.DType}; convert with To(DType).");
        }

        GC.KeepAlive(x);
        GC.KeepAlive(values);
        GC.KeepAlive(indices);
    }

    void TopK<TOrder, TWord>(Tensor x, int k, Tensor values, Tensor indices)
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        if (k > FewLargest)
        {
            Sort<TOrder, TWord>(x, k, values, indices);
            return;
        }

        Runtime.Launch(Selections.Several<TOrder, TWord>, x.Shape[0], new SelectionArguments<TWord>
        {
            X = GpuRuntime.View<TWord>(x),
            Values = GpuRuntime.View<TWord>(values),
            Places = GpuRuntime.View<int>(indices),
            Rows = x.Shape[0],
            Length = x.Shape[1],
            Chosen = k,
        });
    }

    void Sort<TOrder, TWord>(Tensor x, int k, Tensor values, Tensor indices)
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        int rows = x.Shape[0], length = x.Shape[1], padded = (int)BitOperations.RoundUpToPowerOf2((uint)length);
        Tensor order = x.EmptyLike([rows, padded], DType.Int32);
        SortArguments<TWord> a = new()
        {
            X = GpuRuntime.View<TWord>(x),
            Order = GpuRuntime.View<int>(order),
            Values = GpuRuntime.View<TWord>(values),
            Places = GpuRuntime.View<int>(indices),
            Length = length,
            Padded = padded,
            Chosen = k,
            Count = checked(rows * padded),
        };
        Runtime.LaunchItems(Sorting.Begin<TWord>, a.Count, a);
        a.Count /= 2;
        for (a.Merged = 2; a.Merged <= padded; a.Merged *= 2)
            for (a.Distance = a.Merged / 2; a.Distance > 0; a.Distance /= 2) Runtime.LaunchItems(Sorting.Exchange<TOrder, TWord>, a.Count, a);
        a.Count = rows * k;
        Runtime.LaunchItems(Sorting.Take<TWord>, a.Count, a);
        order.Release();
    }

    /// <inheritdoc/>
    public override void CumulativeSum(Tensor x, Tensor y)
    {
        ElementTypes.Run(x.DType, new RunningSumLaunch(Runtime, x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    readonly struct RunningSumLaunch(GpuRuntime runtime, Tensor x, Tensor y) : IElementLaunch
    {
        const int ShortRow = 64;

        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            RunningSumArguments<TWord> a = new() { X = GpuRuntime.View<TWord>(x), Y = GpuRuntime.View<TWord>(y), Rows = x.Shape[0], Length = x.Shape[1] };
            if (a.Length <= ShortRow) runtime.LaunchItems(RunningSums.Each<TElement, TWord, TLane>, a.Rows, a);
            else runtime.Launch(RunningSums.Stretches<TElement, TWord, TLane>, a.Rows, a);
        }
    }
}
