using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Gathers.Gather"/>: a walk over the index's shape.</summary>
struct GatherArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> X, Y;
    public ArrayView<int> Index;
    public Axes Axes;

    /// <summary>X's strides along all axes but the one that the index points along, where they are 0.</summary>
    public Steps XSteps;

    public Steps IndexSteps;

    /// <summary>X's stride and extent along the axis of the index.</summary>
    public int Step, Extent;

    public int Count;
    public FaultRecord Faults;
}

/// <summary>Arguments of <see cref="Gathers.Rows"/>: dense X [Outer, Extent, Inner] and Y [Outer, Taken, Inner], an index [Taken].</summary>
struct IndexSelectArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> X, Y;
    public ArrayView<int> Index;
    public int IndexOrigin, IndexStep;
    public int Extent, Taken, Inner, Count;
    public FaultRecord Faults;
}

/// <summary>Elements read at places that an index names, moved as bits. A thread moves one element.</summary>
static class Gathers
{
    /// <summary>y[i, j, k] = x[i, index[i, j, k], k].</summary>
    public static void Gather<TWord>(GatherArguments<TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        int index = FaultRecord.Checked(a.Faults, a.Index[Steps.At(a.IndexSteps, at)], i, a.Extent);
        a.Y[i] = a.X[Steps.At(a.XSteps, at) + index * a.Step];
    }

    /// <summary>y[o, j, i] = x[o, index[j], i].</summary>
    public static void Rows<TWord>(IndexSelectArguments<TWord> a) where TWord : unmanaged
    {
        int place = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (place >= a.Count) return;
        int row = place / a.Inner, i = place - row * a.Inner, outer = row / a.Taken, j = row - outer * a.Taken;
        int index = FaultRecord.Checked(a.Faults, a.Index[a.IndexOrigin + j * a.IndexStep], j, a.Extent);
        a.Y[place] = a.X[(outer * a.Extent + index) * a.Inner + i];
    }
}
