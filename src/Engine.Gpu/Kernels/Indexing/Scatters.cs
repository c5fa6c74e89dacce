using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Scatters"/>: X is added to Y at the places along an axis that an index of X's shape names.</summary>
struct ScatterArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> X, Y;
    public ArrayView<int> Index;

    /// <summary>The lines along the axis: X's shape without it.</summary>
    public Axes Lines;

    public Steps XSteps, IndexSteps, YSteps;

    /// <summary>Strides along the axis, its extents in X and the index and in Y.</summary>
    public int XStep, IndexStep, YStep, Added, Extent;

    public int Count;
    public FaultRecord Faults;
}

/// <summary>
/// Elements added at places that an index names, in the order of the index and without atomics: lines along the axis never meet,
/// and what meets within a line is added by one thread.
/// </summary>
static class Scatters
{
    /// <summary>A thread walks along a line of the index.</summary>
    public static void AlongLines<TElement, TWord, TLane>(ScatterArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int line = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (line >= a.Count) return;
        Coordinates at = Axes.At(a.Lines, line);
        int x = Steps.At(a.XSteps, at), index = Steps.At(a.IndexSteps, at), y = Steps.At(a.YSteps, at);
        for (int j = 0; j < a.Added; j++)
        {
            int target = y + FaultRecord.Checked(a.Faults, a.Index[index + j * a.IndexStep], j, a.Extent) * a.YStep;
            a.Y[target] = TElement.Store(TElement.Load(a.Y[target]) + TElement.Load(a.X[x + j * a.XStep]));
        }
    }

    /// <summary>Few long lines: a thread reads a line of the index for each place that it may name, and adds what belongs there.</summary>
    public static void AtPlaces<TElement, TWord, TLane>(ScatterArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int item = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (item >= a.Count) return;
        int line = item / a.Extent, place = item - line * a.Extent;
        Coordinates at = Axes.At(a.Lines, line);
        int x = Steps.At(a.XSteps, at), index = Steps.At(a.IndexSteps, at), y = Steps.At(a.YSteps, at) + place * a.YStep;
        TLane sum = TElement.Load(a.Y[y]);
        for (int j = 0; j < a.Added; j++)
        {
            if (FaultRecord.Checked(a.Faults, a.Index[index + j * a.IndexStep], j, a.Extent) == place) sum += TElement.Load(a.X[x + j * a.XStep]);
        }

        a.Y[y] = TElement.Store(sum);
    }
}
