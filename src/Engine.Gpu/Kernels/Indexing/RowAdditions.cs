using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="RowAdditions"/>: dense X [Outer, Added, Inner] is added to dense Y [Outer, Extent, Inner] at the rows that an index [Added] names.</summary>
struct RowAdditionArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> X, Y;
    public ArrayView<int> Index;
    public int IndexOrigin, IndexStep;

    /// <summary>
    /// For each place of the index the next that names the same row, <see cref="RowAdditions.Last"/> where there is none; and
    /// behind these 1 where none before it names that row, else 0. [2, Added]
    /// </summary>
    public ArrayView<int> Links;

    public int Added, Extent, Inner, Count;
    public FaultRecord Faults;
}

/// <summary>Rows added at places that an index names, in the order of the index and without atomics.</summary>
static class RowAdditions
{
    /// <summary>The end of a chain.</summary>
    public const int Last = -1;

    /// <summary>A short index: a thread walks along it for one column.</summary>
    public static void AlongIndex<TElement, TWord, TLane>(RowAdditionArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int item = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (item >= a.Count) return;
        int outer = item / a.Inner, i = item - outer * a.Inner;
        for (int j = 0; j < a.Added; j++)
        {
            int row = FaultRecord.Checked(a.Faults, a.Index[a.IndexOrigin + j * a.IndexStep], j, a.Extent), target = (outer * a.Extent + row) * a.Inner + i;
            a.Y[target] = TElement.Store(TElement.Load(a.Y[target]) + TElement.Load(a.X[(outer * a.Added + j) * a.Inner + i]));
        }
    }

    /// <summary>
    /// Chains the places that name the same row: a thread looks back through the index for the last place before its own, and tells
    /// that place, which no other thread does. Links hold <see cref="Last"/> before.
    /// </summary>
    public static void Chain<TWord>(RowAdditionArguments<TWord> a) where TWord : unmanaged
    {
        int j = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (j >= a.Added) return;
        int row = a.Index[a.IndexOrigin + j * a.IndexStep], before = j - 1;
        while (before >= 0 && a.Index[a.IndexOrigin + before * a.IndexStep] != row) before--;
        if (before >= 0) a.Links[before] = j;
        a.Links[a.Added + j] = before < 0 ? 1 : 0;
    }

    /// <summary>A thread for each column of each place that is the first to name its row: it walks along the chain.</summary>
    public static void AlongChains<TElement, TWord, TLane>(RowAdditionArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int item = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (item >= a.Count) return;
        int place = item / a.Inner, i = item - place * a.Inner, outer = place / a.Added, j = place - outer * a.Added;
        if (a.Links[a.Added + j] == 0) return;
        int row = FaultRecord.Checked(a.Faults, a.Index[a.IndexOrigin + j * a.IndexStep], j, a.Extent);
        int target = (outer * a.Extent + row) * a.Inner + i, first = outer * a.Added;
        TLane sum = TElement.Load(a.Y[target]);
        while (j != Last)
        {
            // The next place is on its way while this row is read and added.
            int next = a.Links[j];
            sum += TElement.Load(a.X[(first + j) * a.Inner + i]);
            j = next;
        }

        a.Y[target] = TElement.Store(sum);
    }
}
