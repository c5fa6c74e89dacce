using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="ArenaRowKernels.Measure"/>.</summary>
struct ArenaMeasureArguments<TMeasure, TWord>
    where TMeasure : struct
    where TWord : unmanaged
{
    public TMeasure Measure;
    public ArenaArrays<TWord> Arrays;
    public ArrayView<int> Pieces;
    public ArrayView<float> Sums;
    public int HasAnchors;
}

/// <summary>Arguments of <see cref="ArenaRowKernels.Decide"/>.</summary>
struct ArenaDecideArguments<TDecision> where TDecision : struct
{
    public TDecision Decision;
    public ArrayView<int> Table, Segments;
    public ArrayView<float> Sums, Scalars, Memory, Kept, Scales, Trace;
    public int HasTrace, TraceStart;
}

/// <summary>Arguments of <see cref="ArenaRowKernels.ApplyRows"/>.</summary>
struct ArenaApplyArguments<TRule, TWord>
    where TRule : struct
    where TWord : unmanaged
{
    public TRule Rule;
    public ArenaArrays<TWord> Arrays;
    public ArrayView<int> Chunks, Segments;
    public ArrayView<float> Scalars, Scales;
    public int HasAnchors;
}

/// <summary>
/// Methods that measure and scale the arena row by row: three launches whatever the number of rows, and what is decided
/// stays on the device. See <see cref="ArenaRows"/>.
/// </summary>
static class ArenaRowKernels
{
    /// <summary>A group a piece of a row: each array read once, the threads' sums folded in halves onto each other.</summary>
    public static void Measure<TMeasure, TElement, TWord, TLane>(ArenaMeasureArguments<TMeasure, TWord> a)
        where TMeasure : struct, IArenaMeasure
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<float> roomA = SharedMemory.Allocate<float>(KernelLoader.GroupSize), roomB = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> roomC = SharedMemory.Allocate<float>(KernelLoader.GroupSize), roomD = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int piece = Grid.IdxX, first = a.Pieces[4 * piece + 1], count = a.Pieces[4 * piece + 2], thread = Group.IdxX;
        TLane sumA = TLane.Of(0f), sumB = TLane.Of(0f), sumC = TLane.Of(0f), sumD = TLane.Of(0f);
        for (int i = thread; i < count; i += KernelLoader.GroupSize)
        {
            ArenaElement<TLane> element = default;
            element.Weight = TElement.Load(a.Arrays.Weights[first + i]);
            element.Anchor = a.HasAnchors != 0 ? TElement.Load(a.Arrays.Anchors[first + i]) : element.Weight;
            if (a.Measure.UsesGradient) element.Gradient = TElement.Load(a.Arrays.Gradients[first + i]);
            if (a.Measure.UsesFirst) element.First = TElement.Load(a.Arrays.First[first + i]);
            ArenaTerms<TLane> terms = a.Measure.Apply(element);
            sumA += terms.A;
            sumB += terms.B;
            sumC += terms.C;
            sumD += terms.D;
        }

        roomA[thread] = TElement.ToSingle(sumA);
        roomB[thread] = TElement.ToSingle(sumB);
        roomC[thread] = TElement.ToSingle(sumC);
        roomD[thread] = TElement.ToSingle(sumD);
        Fold(roomA, roomB, roomC, roomD, largest: false);
        if (thread != 0) return;
        a.Sums[4 * piece] = roomA[0];
        a.Sums[4 * piece + 1] = roomB[0];
        a.Sums[4 * piece + 2] = roomC[0];
        a.Sums[4 * piece + 3] = roomD[0];
    }

    /// <summary>
    /// A group a segment. Its rows are shared among the threads; where it is one row, that row's pieces are. Then the segment's
    /// totals, its decision by one thread, and each row's scale.
    /// </summary>
    public static void Decide<TDecision>(ArenaDecideArguments<TDecision> a) where TDecision : struct, IArenaDecision
    {
        ArrayView<float> roomA = SharedMemory.Allocate<float>(KernelLoader.GroupSize), roomB = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> roomC = SharedMemory.Allocate<float>(KernelLoader.GroupSize), roomD = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> decided = SharedMemory.Allocate<float>(4);
        int thread = Group.IdxX, segment = Grid.IdxX, firstRow = a.Segments[4 * segment], rows = a.Segments[4 * segment + 1];
        int numbers = segment * ArenaStep.ScalarCount;
        bool active = a.Scalars[numbers + 4] != 0f;
        ArenaScalars<Scalar32> own = default;
        own.A = new(a.Scalars[numbers + 5]);
        own.B = new(a.Scalars[numbers + 6]);
        own.C = new(a.Scalars[numbers + 7]);
        own.D = new(a.Scalars[numbers + 3]);

        // One row: the sums of its pieces, a thread a piece.
        ArenaTerms<Scalar32> only = rows == 1 ? Pieces(a, firstRow, thread, KernelLoader.GroupSize) : Zero();
        Put(roomA, roomB, roomC, roomD, only);
        Fold(roomA, roomB, roomC, roomD, largest: false);
        only = Take(roomA, roomB, roomC, roomD);

        // All have taken the fold's result before its room is used again.
        Group.Barrier();
        ArenaTerms<Scalar32> mine = Zero();
        if (rows == 1 && thread == 0)
            mine = a.Decision.Gather(only, new Scalar32(a.Kept[firstRow]));
        if (rows > 1)
        {
            for (int row = thread; row < rows; row += KernelLoader.GroupSize)
            {
                ArenaTerms<Scalar32> terms = a.Decision.Gather(Pieces(a, firstRow + row, 0, 1), new Scalar32(a.Kept[firstRow + row]));
                mine.A += terms.A;
                mine.B += terms.B;
                mine.C += terms.C;
                mine.D = row == thread ? terms.D : Scalar32.Max(mine.D, terms.D);
            }

            // Threads without a row must not bring a largest number of their own.
            if (thread >= rows) mine.D = a.Decision.Gather(Pieces(a, firstRow, 0, 1), new Scalar32(a.Kept[firstRow])).D;
        }

        Put(roomA, roomB, roomC, roomD, mine);
        if (rows == 1) roomD[thread] = a.Decision.Gather(only, new Scalar32(a.Kept[firstRow])).D.Value;
        Fold(roomA, roomB, roomC, roomD, largest: true);
        if (thread == 0)
        {
            ArenaTerms<Scalar32> memory = default;
            memory.A = new(a.Memory[4 * segment]);
            memory.B = new(a.Memory[4 * segment + 1]);
            memory.C = new(a.Memory[4 * segment + 2]);
            memory.D = new(a.Memory[4 * segment + 3]);
            ArenaTerms<Scalar32> seen = a.Decision.Decide(Take(roomA, roomB, roomC, roomD), own, ref memory);
            if (a.HasTrace != 0) Trace(a, segment, seen, active);
            if (active)
            {
                a.Memory[4 * segment] = memory.A.Value;
                a.Memory[4 * segment + 1] = memory.B.Value;
                a.Memory[4 * segment + 2] = memory.C.Value;
                a.Memory[4 * segment + 3] = memory.D.Value;
            }

            decided[0] = memory.A.Value;
            decided[1] = memory.B.Value;
            decided[2] = memory.C.Value;
            decided[3] = memory.D.Value;
        }

        // The decision is there before any row is scaled by it.
        Group.Barrier();
        ArenaTerms<Scalar32> agreed = default;
        agreed.A = new(decided[0]);
        agreed.B = new(decided[1]);
        agreed.C = new(decided[2]);
        agreed.D = new(decided[3]);
        for (int row = thread; row < rows; row += KernelLoader.GroupSize)
        {
            ArenaTerms<Scalar32> sums = rows == 1 ? only : Pieces(a, firstRow + row, 0, 1);
            Scalar32 kept = new(a.Kept[firstRow + row]);
            Scalar32 scale = a.Decision.Scale(sums, own, agreed, ref kept);
            a.Scales[firstRow + row] = active ? scale.Value : 0f;
            if (active) a.Kept[firstRow + row] = kept.Value;
        }
    }

    /// <summary>A thread an element: its row's scale is A of the rule.</summary>
    public static void ApplyRows<TRule, TElement, TWord, TLane>(ArenaApplyArguments<TRule, TWord> a)
        where TRule : struct, IUpdateRule
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int chunk = Grid.IdxX / ArenaKernels.GroupsPerChunk, segment = a.Chunks[3 * chunk], numbers = segment * ArenaStep.ScalarCount;
        int i = Grid.IdxX % ArenaKernels.GroupsPerChunk * KernelLoader.GroupSize + Group.IdxX;
        if (a.Scalars[numbers + 4] == 0f || i >= a.Chunks[3 * chunk + 2]) return;
        i += a.Chunks[3 * chunk + 1];
        float scale = a.Scales[a.Segments[4 * segment] + (i - a.Segments[4 * segment + 3]) / a.Segments[4 * segment + 2]];
        if (a.Rule.States == 0 && scale == 0f) return;
        ArenaScalars<TLane> scalars = default;
        scalars.A = TLane.Of(scale);
        scalars.B = TLane.Of(a.Scalars[numbers + 1]);
        scalars.C = TLane.Of(a.Scalars[numbers + 2]);
        scalars.D = TLane.Of(a.Scalars[numbers + 3]);
        ArenaElement<TLane> element = default;
        element.Weight = TElement.Load(a.Arrays.Weights[i]);
        element.Gradient = TElement.Load(a.Arrays.Gradients[i]);
        element.Anchor = a.HasAnchors != 0 ? TElement.Load(a.Arrays.Anchors[i]) : element.Weight;
        if (a.Rule.States > 0) element.First = TElement.Load(a.Arrays.First[i]);
        if (a.Rule.States > 1) element.Second = TElement.Load(a.Arrays.Second[i]);
        if (a.Rule.States > 2) element.Third = TElement.Load(a.Arrays.Third[i]);
        TLane result = a.Rule.Apply(ref element, scalars);
        if (a.Rule.States > 0) a.Arrays.First[i] = TElement.Store(element.First);
        if (a.Rule.States > 1) a.Arrays.Second[i] = TElement.Store(element.Second);
        if (a.Rule.States > 2) a.Arrays.Third[i] = TElement.Store(element.Third);
        a.Arrays.Weights[i] = TElement.Store(result);
    }

    // The sums of every so-manieth piece of a row.
    static ArenaTerms<Scalar32> Pieces<TDecision>(ArenaDecideArguments<TDecision> a, int row, int from, int step) where TDecision : struct, IArenaDecision
    {
        int first = a.Table[2 * row], count = a.Table[2 * row + 1];
        ArenaTerms<Scalar32> sums = Zero();
        for (int piece = from; piece < count; piece += step)
        {
            int at = 4 * (first + piece);
            sums.A += new Scalar32(a.Sums[at]);
            sums.B += new Scalar32(a.Sums[at + 1]);
            sums.C += new Scalar32(a.Sums[at + 2]);
            sums.D += new Scalar32(a.Sums[at + 3]);
        }

        return sums;
    }

    static ArenaTerms<Scalar32> Zero()
    {
        ArenaTerms<Scalar32> zero = default;
        zero.A = new(0f);
        zero.B = new(0f);
        zero.C = new(0f);
        zero.D = new(0f);
        return zero;
    }

    static void Put(ArrayView<float> roomA, ArrayView<float> roomB, ArrayView<float> roomC, ArrayView<float> roomD, ArenaTerms<Scalar32> terms)
    {
        roomA[Group.IdxX] = terms.A.Value;
        roomB[Group.IdxX] = terms.B.Value;
        roomC[Group.IdxX] = terms.C.Value;
        roomD[Group.IdxX] = terms.D.Value;
    }

    static ArenaTerms<Scalar32> Take(ArrayView<float> roomA, ArrayView<float> roomB, ArrayView<float> roomC, ArrayView<float> roomD)
    {
        ArenaTerms<Scalar32> terms = default;
        terms.A = new(roomA[0]);
        terms.B = new(roomB[0]);
        terms.C = new(roomC[0]);
        terms.D = new(roomD[0]);
        return terms;
    }

    // Halves onto each other, in an order that depends on nothing; of the fourth the sum or the largest.
    static void Fold(ArrayView<float> roomA, ArrayView<float> roomB, ArrayView<float> roomC, ArrayView<float> roomD, bool largest)
    {
        int thread = Group.IdxX;

        // All numbers are in place before any is folded, and each fold before the next.
        Group.Barrier();
        for (int half = KernelLoader.GroupSize / 2; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                roomA[thread] += roomA[thread + half];
                roomB[thread] += roomB[thread + half];
                roomC[thread] += roomC[thread + half];
                roomD[thread] = largest ? MathF.Max(roomD[thread], roomD[thread + half]) : roomD[thread] + roomD[thread + half];
            }

            Group.Barrier();
        }
    }

    static void Trace<TDecision>(ArenaDecideArguments<TDecision> a, int segment, ArenaTerms<Scalar32> seen, bool active) where TDecision : struct, IArenaDecision
    {
        int row = a.TraceStart + segment * ArenaStep.TraceWidth;
        a.Trace[row] = active ? seen.A.Value : float.NaN;
        a.Trace[row + 1] = active ? seen.B.Value : 0f;
        a.Trace[row + 2] = seen.C.Value;
        a.Trace[row + 3] = active ? seen.D.Value : 0f;
        a.Trace[row + 4] = float.NaN;       // not measured by rows
        a.Trace[row + 5] = float.NaN;
    }
}
