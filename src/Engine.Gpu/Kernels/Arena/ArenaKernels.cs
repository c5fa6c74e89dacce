using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="ArenaKernels.Update"/>; what the arena has not is the weights once more, and not looked at.</summary>
struct ArenaUpdateArguments<TRule, TWord>
    where TRule : struct
    where TWord : unmanaged
{
    public TRule Rule;
    public ArrayView<TWord> Weights, Gradients, Anchors, First, Second, Third;
    public ArrayView<int> Chunks;
    public ArrayView<float> Scalars, Partials;
    public int HasAnchors, Measures;
}

/// <summary>Arguments of <see cref="ArenaKernels.Fold"/>.</summary>
struct ArenaFoldArguments
{
    public ArrayView<int> Segments;
    public ArrayView<float> Scalars, Partials, Scales, Trace;
    public int HasTrace, TraceStart;
}

/// <summary>Arguments of <see cref="ArenaKernels.Project"/>.</summary>
struct ArenaProjectArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> Weights, Anchors;
    public ArrayView<int> Chunks;
    public ArrayView<float> Scales;
}

/// <summary>
/// An optimizer step over the whole arena in one launch, or three with selective projection, whatever the number of layers:
/// what to project is decided on the device.
/// </summary>
static class ArenaKernels
{
    const int Passes = ArenaStep.ChunkLength / KernelLoader.GroupSize;

    /// <summary>
    /// A group takes a chunk through the rule: each array is read and written once. Where the step is measured it leaves the
    /// chunk's sums of g (W - W0), |U - W0|^2 and (U - W) ((U - W0) + (W - W0)).
    /// </summary>
    public static void Update<TRule, TElement, TWord, TLane>(ArenaUpdateArguments<TRule, TWord> a)
        where TRule : struct, IUpdateRule
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<float> products = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> candidates = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> differences = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int thread = Group.IdxX, chunk = Grid.IdxX;
        int segment = a.Chunks[3 * chunk], first = a.Chunks[3 * chunk + 1], count = a.Chunks[3 * chunk + 2];
        int options = segment * ArenaStep.ScalarCount;
        bool active = a.Scalars[options + 4] != 0f;
        if (!active && a.Measures == 0) return;

        ArenaScalars<TLane> numbers = default;
        numbers.A = TLane.Of(a.Scalars[options]);
        numbers.B = TLane.Of(a.Scalars[options + 1]);
        numbers.C = TLane.Of(a.Scalars[options + 2]);
        numbers.D = TLane.Of(a.Scalars[options + 3]);
        ArenaSums<TLane> sums = default;
        sums.Product = TLane.Of(0.0);
        sums.Candidate = TLane.Of(0.0);
        sums.Difference = TLane.Of(0.0);

        // A full chunk needs no bounds: then the loop is the same for all threads, and vectorises where threads are lanes.
        if (count == ArenaStep.ChunkLength)
        {
            for (int pass = 0; pass < Passes; pass++)
                sums = Element<TRule, TElement, TWord, TLane>(a, numbers, first + pass * KernelLoader.GroupSize + thread, active, sums);
        }
        else
        {
            for (int i = thread; i < count; i += KernelLoader.GroupSize)
                sums = Element<TRule, TElement, TWord, TLane>(a, numbers, first + i, active, sums);
        }

        if (a.Measures == 0) return;
        products[thread] = TElement.ToSingle(sums.Product);
        candidates[thread] = TElement.ToSingle(sums.Candidate);
        differences[thread] = TElement.ToSingle(sums.Difference);

        // All sums are in place before any is folded, and each fold before the next.
        Group.Barrier();
        for (int half = KernelLoader.GroupSize / 2; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                products[thread] += products[thread + half];
                candidates[thread] += candidates[thread + half];
                differences[thread] += differences[thread + half];
            }

            Group.Barrier();
        }

        if (thread != 0) return;
        a.Partials[4 * chunk] = products[0];
        a.Partials[4 * chunk + 1] = candidates[0];
        a.Partials[4 * chunk + 2] = differences[0];
        a.Partials[4 * chunk + 3] = 0f;
    }

    static ArenaSums<TLane> Element<TRule, TElement, TWord, TLane>(
        ArenaUpdateArguments<TRule, TWord> a, ArenaScalars<TLane> numbers, int i, bool active, ArenaSums<TLane> sums)
        where TRule : struct, IUpdateRule
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArenaElement<TLane> element = default;
        element.Weight = TElement.Load(a.Weights[i]);
        element.Anchor = a.HasAnchors != 0 ? TElement.Load(a.Anchors[i]) : element.Weight;
        TLane weight = element.Weight, anchor = element.Anchor, candidate = weight;
        element.Gradient = TElement.Load(a.Gradients[i]);
        TLane gradient = element.Gradient;
        if (active)
        {
            if (a.Rule.States > 0) element.First = TElement.Load(a.First[i]);
            if (a.Rule.States > 1) element.Second = TElement.Load(a.Second[i]);
            if (a.Rule.States > 2) element.Third = TElement.Load(a.Third[i]);
            candidate = a.Rule.Apply(ref element, numbers);
            if (a.Rule.States > 0) a.First[i] = TElement.Store(element.First);
            if (a.Rule.States > 1) a.Second[i] = TElement.Store(element.Second);
            if (a.Rule.States > 2) a.Third[i] = TElement.Store(element.Third);
            a.Weights[i] = TElement.Store(candidate);
        }

        if (a.Measures != 0)
        {
            // A segment that takes no part leaves its distance alone.
            TLane before = weight - anchor, after = candidate - anchor;
            if (active) sums.Product = TLane.MulAdd(gradient, before, sums.Product);
            sums.Candidate = TLane.MulAdd(after, after, sums.Candidate);
            sums.Difference = TLane.MulAdd(candidate - weight, after + before, sums.Difference);
        }

        return sums;
    }

    /// <summary>A group a segment: its chunks' sums in a fixed order, then condition, ratio and scale (Tian et al. 2024, eq. 3, 9 and 4).</summary>
    public static void Fold(ArenaFoldArguments a)
    {
        ArrayView<float> products = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> candidates = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> differences = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int thread = Group.IdxX, segment = Grid.IdxX;
        int first = a.Segments[2 * segment], count = a.Segments[2 * segment + 1];
        float product = 0f, candidate = 0f, difference = 0f;
        for (int chunk = thread; chunk < count; chunk += KernelLoader.GroupSize)
        {
            int at = 4 * (first + chunk);
            product += a.Partials[at];
            candidate += a.Partials[at + 1];
            difference += a.Partials[at + 2];
        }

        products[thread] = product;
        candidates[thread] = candidate;
        differences[thread] = difference;

        // As in Update.
        Group.Barrier();
        for (int half = KernelLoader.GroupSize / 2; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                products[thread] += products[thread + half];
                candidates[thread] += candidates[thread + half];
                differences[thread] += differences[thread + half];
            }

            Group.Barrier();
        }

        if (thread == 0) Decide(a, segment, products[0], candidates[0], differences[0]);
    }

    // With a = |U - W0| and b = |W - W0|: (a - b) / a = (a^2 - b^2) / (a (a + b)).
    static void Decide(ArenaFoldArguments a, int segment, float product, float candidate, float difference)
    {
        int options = segment * ArenaStep.ScalarCount;
        bool active = a.Scalars[options + 4] != 0f;
        float after = MathF.Sqrt(candidate), before = MathF.Sqrt(MathF.Max(candidate - difference, 0f));
        bool inconsistent = active && product > 0f && after > 0f;
        float ratio = inconsistent ? MathF.Min(MathF.Max(difference / (after * (after + before)), 0f), 1f) : 0f;
        float scale = a.Scalars[options + 6] != 0f ? a.Scalars[options + 5] * ratio : 0f;
        a.Scales[segment] = scale;
        if (a.HasTrace == 0) return;
        int row = a.TraceStart + segment * ArenaStep.TraceWidth;
        a.Trace[row] = active ? -product : float.NaN;
        a.Trace[row + 1] = ratio;
        a.Trace[row + 2] = MathF.Abs(1f - scale) * after;
        a.Trace[row + 3] = scale;
    }

    /// <summary>A group a chunk: W = U - scale (U - W0); groups of segments that are not selected return at once.</summary>
    public static void Project<TElement, TWord, TLane>(ArenaProjectArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int chunk = Grid.IdxX;
        float scale = a.Scales[a.Chunks[3 * chunk]];
        if (scale == 0f) return;
        int first = a.Chunks[3 * chunk + 1], count = a.Chunks[3 * chunk + 2];
        TLane pull = TLane.Of(-scale);
        for (int i = Group.IdxX; i < count; i += KernelLoader.GroupSize)
        {
            TLane weight = TElement.Load(a.Weights[first + i]);
            a.Weights[first + i] = TElement.Store(TLane.MulAdd(pull, weight - TElement.Load(a.Anchors[first + i]), weight));
        }
    }
}

/// <summary>A thread's sums over the elements of a chunk; see <see cref="ArenaStep.Partials"/>.</summary>
struct ArenaSums<TLane> where TLane : unmanaged
{
    public TLane Product, Candidate, Difference;
}
