using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// Arguments of <see cref="Folds"/>: outputs along the kept axes, each the fold of <see cref="Count"/> elements along the
/// folded ones. Where one group is not enough for an output its elements are cut into chunks and Y receives their partial
/// results, which a second launch folds.
/// </summary>
struct FoldArguments<TOp, TWord>
    where TOp : struct
    where TWord : unmanaged
{
    public TOp Op;
    public ArrayView<TWord> X, Y;
    public Axes Kept, Folded;
    public Steps KeptSteps, FoldedSteps;
    public int Outputs, Count;

    /// <summary>Elements of a chunk, and chunks of an output.</summary>
    public int ChunkLength, Chunks;

    /// <summary>Where an output's results begin in Y, and how far its chunks' lie apart.</summary>
    public int OutputStep, ChunkStep;

    /// <summary>1 where X holds partial results, which are combined as they are.</summary>
    public int Partial;
}

/// <summary>Folds over axes. Every element is read once; the order follows from shapes and strides alone.</summary>
static class Folds
{
    /// <summary>Outputs that a group of <see cref="Columns"/> folds side by side, and threads that share one.</summary>
    public const int ColumnsAtOnce = 32, Slices = KernelLoader.GroupSize / ColumnsAtOnce;

    /// <summary>Accumulators of a thread: four loads are on their way at a time, and rounding errors grow a quarter as fast.</summary>
    public const int Accumulators = 4;

    /// <summary>Few elements for each of many outputs: a thread folds an output.</summary>
    public static void Each<TOp, TElement, TWord, TLane>(FoldArguments<TOp, TWord> a)
        where TOp : struct, IReduction
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int output = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (output >= a.Outputs) return;
        int origin = Steps.At(a.KeptSteps, Axes.At(a.Kept, output));
        TLane total = Element<TOp, TElement, TWord, TLane>(a, origin, 0, a.Count);
        for (int i = 1; i < a.Count; i++) total = a.Op.Combine(total, Element<TOp, TElement, TWord, TLane>(a, origin, i, a.Count));
        a.Y[output] = TElement.Store(total);
    }

    /// <summary>X nearly dense along the folded axes: neighbouring threads take neighbouring elements of one output.</summary>
    public static void Lines<TTeam, TOp, TElement, TWord, TLane>(FoldArguments<TOp, TWord> a)
        where TTeam : struct, IRowTeam
        where TOp : struct, IReduction
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int line = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), lines = a.Outputs * a.Chunks;
        bool exists = line < lines;
        int output = (exists ? line : lines - 1) / a.Chunks, chunk = (exists ? line : lines - 1) - output * a.Chunks;
        int origin = Steps.At(a.KeptSteps, Axes.At(a.Kept, output));
        TLane total = Share<TOp, TElement, TWord, TLane>(a, origin, chunk, lane, TTeam.Size);
        total = RowTeams.Fold<TTeam, TOp, TLane>(a.Op, room, total);
        if (exists && lane == 0) a.Y[output * a.OutputStep + chunk * a.ChunkStep] = TElement.Store(total);
    }

    /// <summary>X nearly dense along the kept axes: neighbouring threads fold neighbouring outputs, eight share each output.</summary>
    public static void Columns<TOp, TElement, TWord, TLane>(FoldArguments<TOp, TWord> a)
        where TOp : struct, IReduction
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(KernelLoader.GroupSize);
        int thread = Group.IdxX, column = thread % ColumnsAtOnce, slice = thread / ColumnsAtOnce;
        int block = Grid.IdxX / a.Chunks, chunk = Grid.IdxX - block * a.Chunks;
        int output = block * ColumnsAtOnce + column;
        bool exists = output < a.Outputs;
        int origin = Steps.At(a.KeptSteps, Axes.At(a.Kept, exists ? output : a.Outputs - 1));
        room[thread] = Share<TOp, TElement, TWord, TLane>(a, origin, chunk, slice, Slices);

        // The first slice folds what all slices have put there.
        Group.Barrier();
        if (slice != 0 || !exists) return;
        TLane total = room[column];
        for (int i = ColumnsAtOnce; i < KernelLoader.GroupSize; i += ColumnsAtOnce) total = a.Op.Combine(total, room[column + i]);
        a.Y[output * a.OutputStep + chunk * a.ChunkStep] = TElement.Store(total);
    }

    // A thread's elements of a chunk: its own and every so-many-th after that.
    static TLane Share<TOp, TElement, TWord, TLane>(FoldArguments<TOp, TWord> a, int origin, int chunk, int lane, int threads)
        where TOp : struct, IReduction
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int begin = chunk * a.ChunkLength, end = begin + a.ChunkLength;
        if (end > a.Count) end = a.Count;
        TLane first = a.Op.Start<TLane>(), second = first, third = first, fourth = first;
        for (int i = begin; i < end; i += Accumulators * threads)
        {
            first = a.Op.Combine(first, Element<TOp, TElement, TWord, TLane>(a, origin, i + lane, end));
            second = a.Op.Combine(second, Element<TOp, TElement, TWord, TLane>(a, origin, i + threads + lane, end));
            third = a.Op.Combine(third, Element<TOp, TElement, TWord, TLane>(a, origin, i + 2 * threads + lane, end));
            fourth = a.Op.Combine(fourth, Element<TOp, TElement, TWord, TLane>(a, origin, i + 3 * threads + lane, end));
        }

        return a.Op.Combine(a.Op.Combine(first, second), a.Op.Combine(third, fourth));
    }

    static TLane Element<TOp, TElement, TWord, TLane>(FoldArguments<TOp, TWord> a, int origin, int place, int end)
        where TOp : struct, IReduction
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        if (place >= end) return a.Op.Start<TLane>();
        int at = a.Folded.Rank <= 1 ? place * a.FoldedSteps.S0 : Steps.At(a.FoldedSteps, Axes.At(a.Folded, place));
        TLane value = TElement.Load(a.X[origin + at]);
        return a.Partial != 0 ? value : a.Op.Map(value);
    }
}
