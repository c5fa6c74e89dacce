using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Reading and adding at places that tensors name.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Gather(int axis, Tensor x, Tensor index, Tensor y)
    {
        RequirePlaces("Gather", x.Shape[axis]);
        ElementTypes.RunBits(x.DType, new GatherLaunch(Runtime, axis, x, index, y));
        KeepAlive(x, index, y);
    }

    /// <inheritdoc/>
    public override void ScatterAdd(int axis, Tensor x, Tensor index, Tensor y)
    {
        RequirePlaces("ScatterAdd", y.Shape[axis]);
        ElementTypes.Run(y.DType, new ScatterLaunch(Runtime, axis, x, index, y));
        KeepAlive(x, index, y);
    }

    /// <inheritdoc/>
    public override void IndexSelect(Tensor x, Tensor index, Tensor y)
    {
        RequirePlaces("IndexSelect", x.Shape[1]);
        ElementTypes.RunBits(x.DType, new IndexSelectLaunch(Runtime, x, index, y));
        KeepAlive(x, index, y);
    }

    /// <inheritdoc/>
    public override void IndexAdd(Tensor x, Tensor index, Tensor y)
    {
        RequirePlaces("IndexAdd", y.Shape[1]);
        ElementTypes.Run(y.DType, new IndexAddLaunch(this, x, index, y));
        KeepAlive(x, index, y);
    }

    // A kernel replaces a wrong index by 0; here there is no such place either.
    static void RequirePlaces(string operation, int extent)
    {
        if (extent == 0) throw new ShapeException($"{operation}: the axis that the index points along has no elements.");
    }

    // The part of a tensor that an index of a shape covers, standing still along the axis that the index points along.
    static Tensor Lines(Tensor x, int axis, Shape shape)
    {
        Tensor lines = x.Slice(axis, 0, 1);
        for (int i = 0; i < x.Rank; i++)
            if (i != axis) lines = lines.Slice(i, 0, shape[i]);
        return lines;
    }

    readonly struct GatherLaunch(GpuRuntime runtime, int axis, Tensor x, Tensor index, Tensor y) : IBitsLaunch
    {
        public void Run<TWord>() where TWord : unmanaged
        {
            StridedWalk walk = StridedWalk.Over(y, index, Lines(x, axis, y.Shape).Expand(y.Shape));
            (ArrayView<TWord> from, int fromOrigin) = GpuRuntime.Reach<TWord>(x);
            (ArrayView<int> places, int placesOrigin) = GpuRuntime.Reach<int>(index);
            runtime.LaunchItems(Gathers.Gather<TWord>, walk.Count, new GatherArguments<TWord>
            {
                X = from,
                Y = GpuRuntime.View<TWord>(y),
                Index = places,
                Axes = Axes.Of(walk, "Gather"),
                XSteps = Steps.Of(walk, 2, fromOrigin),
                IndexSteps = Steps.Of(walk, 1, placesOrigin),
                Step = x.Strides[axis],
                Extent = x.Shape[axis],
                Count = checked((int)walk.Count),
                Faults = runtime.Faults.For("Gather"),
            });
        }
    }

    readonly struct ScatterLaunch(GpuRuntime runtime, int axis, Tensor x, Tensor index, Tensor y) : IElementLaunch
    {
        // Fewer lines than this leave a device idle, and an index longer than this is worth reading once for every place.
        const int EnoughLines = 4096, LongLine = 64;

        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            StridedWalk walk = StridedWalk.Over(x.Slice(axis, 0, 1), index.Slice(axis, 0, 1), Lines(y, axis, x.Shape));
            (ArrayView<TWord> from, int fromOrigin) = GpuRuntime.Reach<TWord>(x);
            (ArrayView<int> places, int placesOrigin) = GpuRuntime.Reach<int>(index);
            ScatterArguments<TWord> a = new()
            {
                X = from,
                Y = GpuRuntime.View<TWord>(y),
                Index = places,
                Lines = Axes.Of(walk, "ScatterAdd"),
                XSteps = Steps.Of(walk, 0, fromOrigin),
                IndexSteps = Steps.Of(walk, 1, placesOrigin),
                YSteps = Steps.Of(walk, 2, 0),
                XStep = x.Strides[axis],
                IndexStep = index.Strides[axis],
                YStep = y.Strides[axis],
                Added = x.Shape[axis],
                Extent = y.Shape[axis],
                Count = checked((int)walk.Count),
                Faults = runtime.Faults.For("ScatterAdd"),
            };
            if (a.Count >= EnoughLines || a.Added < LongLine)
            {
                runtime.LaunchItems(Scatters.AlongLines<TElement, TWord, TLane>, a.Count, a);
                return;
            }

            a.Count = checked(a.Count * a.Extent);
            runtime.LaunchItems(Scatters.AtPlaces<TElement, TWord, TLane>, a.Count, a);
        }
    }

    readonly struct IndexSelectLaunch(GpuRuntime runtime, Tensor x, Tensor index, Tensor y) : IBitsLaunch
    {
        public void Run<TWord>() where TWord : unmanaged
        {
            (ArrayView<int> places, int origin) = GpuRuntime.Reach<int>(index);
            runtime.LaunchItems(Gathers.Rows<TWord>, y.ElementCount, new IndexSelectArguments<TWord>
            {
                X = GpuRuntime.View<TWord>(x),
                Y = GpuRuntime.View<TWord>(y),
                Index = places,
                IndexOrigin = origin,
                IndexStep = index.Strides[0],
                Extent = x.Shape[1],
                Taken = y.Shape[1],
                Inner = y.Shape[2],
                Count = checked((int)y.ElementCount),
                Faults = runtime.Faults.For("IndexSelect"),
            });
        }
    }

    readonly struct IndexAddLaunch(GpuBackend backend, Tensor x, Tensor index, Tensor y) : IElementLaunch
    {
        const int ShortIndex = 32;

        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            GpuRuntime runtime = backend.Runtime;
            (ArrayView<int> places, int origin) = GpuRuntime.Reach<int>(index);
            RowAdditionArguments<TWord> a = new()
            {
                X = GpuRuntime.View<TWord>(x),
                Y = GpuRuntime.View<TWord>(y),
                Index = places,
                IndexOrigin = origin,
                IndexStep = index.Strides[0],
                Links = places,
                Added = x.Shape[1],
                Extent = y.Shape[1],
                Inner = x.Shape[2],
                Count = checked(x.Shape[0] * x.Shape[2]),
                Faults = runtime.Faults.For("IndexAdd"),
            };
            if (a.Added <= ShortIndex)
            {
                runtime.LaunchItems(RowAdditions.AlongIndex<TElement, TWord, TLane>, a.Count, a);
                return;
            }

            Tensor links = x.EmptyLike([2, a.Added], DType.Int32);
            backend.Fill(RowAdditions.Last, links);
            a.Links = GpuRuntime.View<int>(links);
            a.Count = checked((int)x.ElementCount);
            runtime.LaunchItems(RowAdditions.Chain<TWord>, a.Added, a);
            runtime.LaunchItems(RowAdditions.AlongChains<TElement, TWord, TLane>, a.Count, a);
            links.Release();
        }
    }
}
