using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// How many threads of a group share a row. A kernel is compiled for each: threads and the steps of a fold are constants in it.
/// </summary>
interface IRowTeam
{
    /// <summary>Threads a row, a divisor of the group's.</summary>
    static abstract int Size { get; }

    /// <summary>Partial results after the first of a fold's two steps; a divisor of <see cref="Size"/>.</summary>
    static abstract int Partials { get; }
}

/// <summary>A thread a row: short rows, read through the cache.</summary>
readonly struct OneThread : IRowTeam
{
    public static int Size => 1;
    public static int Partials => 1;
}

/// <summary>32 threads a row, eight rows a group.</summary>
readonly struct ThirtyTwoThreads : IRowTeam
{
    public static int Size => 32;
    public static int Partials => 4;
}

/// <summary>A group a row.</summary>
readonly struct WholeGroup : IRowTeam
{
    public static int Size => KernelLoader.GroupSize;
    public static int Partials => 16;
}

/// <summary>What the threads of a row do together.</summary>
static class RowTeams
{
    /// <summary>
    /// Room for a fold: a value of every thread, and behind them the partial results of every row in the group, at most 4 of 32.
    /// </summary>
    public const int Room = KernelLoader.GroupSize + KernelLoader.GroupSize / 8;

    // Up to 64 bytes a thread's row lies in one or two lines of the cache; 32 threads read a row of
    // 1024 in 32 steps, and where rows are too few to fill a device a whole group shortens the wait.
    const int ShortRow = 16, MediumRow = 1024, SharedAnyway = 128, FewRows = 1024;

    /// <summary>Threads a row for some rows of a length. It depends on nothing else: results must not change with the device.</summary>
    public static int SizeFor(long rows, int length)
    {
        if (length <= ShortRow) return OneThread.Size;
        return length > MediumRow || (rows < FewRows && length > SharedAnyway) ? WholeGroup.Size : ThirtyTwoThreads.Size;
    }

    /// <summary>Groups for some rows of so many threads each.</summary>
    public static long Groups(long rows, int size) => (rows * size + KernelLoader.GroupSize - 1) / KernelLoader.GroupSize;

    /// <summary>The row of this thread; beyond the last one where there are more threads than rows.</summary>
    public static int Row<TTeam>() where TTeam : struct, IRowTeam =>
        Grid.IdxX * (KernelLoader.GroupSize / TTeam.Size) + Group.IdxX / TTeam.Size;

    /// <summary>This thread's number among those of its row.</summary>
    public static int Lane<TTeam>() where TTeam : struct, IRowTeam => Group.IdxX % TTeam.Size;

    /// <summary>
    /// The fold of one value of each thread of a row, in every one of them, in an order that depends on nothing. All threads of
    /// the group must come here. The room can be used again at once.
    /// </summary>
    public static TLane Fold<TTeam, TOp, TLane>(TOp op, ArrayView<TLane> room, TLane mine)
        where TTeam : struct, IRowTeam
        where TOp : struct, IReduction
        where TLane : unmanaged, ILane<TLane>
    {
        if (TTeam.Size == 1) return mine;
        int thread = Group.IdxX, lane = thread % TTeam.Size, partials = KernelLoader.GroupSize + thread / TTeam.Size * TTeam.Partials;
        room[thread] = mine;

        // The values of all threads are there.
        Group.Barrier();
        if (lane < TTeam.Partials)
        {
            TLane partial = room[thread];
            for (int i = TTeam.Partials; i < TTeam.Size; i += TTeam.Partials) partial = op.Combine(partial, room[thread + i]);
            room[partials + lane] = partial;
        }

        // So are the partial results, and nobody reads the values any more: the next fold may overwrite those. It overwrites
        // the partial results only behind its first barrier, which nobody passes before all have read these.
        Group.Barrier();
        TLane total = room[partials];
        for (int i = 1; i < TTeam.Partials; i++) total = op.Combine(total, room[partials + i]);
        return total;
    }
}
