using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>The arena's arrays; what it has not is the weights once more, and not looked at.</summary>
struct ArenaArrays<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> Weights, Gradients, Anchors, First, Second, Third;
}

/// <summary>Arguments of <see cref="ArenaKernels.Update"/>.</summary>
struct ArenaUpdateArguments<TRule, TWord>
    where TRule : struct
    where TWord : unmanaged
{
    public TRule Rule;
    public ArenaArrays<TWord> Arrays;
    public ArrayView<int> Chunks;
    public ArrayView<float> Scalars, Partials;
    public int HasAnchors, Measures;
}

/// <summary>Arguments of <see cref="ArenaKernels.FoldSegments"/>.</summary>
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
    // Groups that share a chunk where a thread takes one element.
    public const int GroupsPerChunk = ArenaStep.ChunkLength / KernelLoader.GroupSize;

    /// <summary>A thread takes one element through the rule; nothing is measured.</summary>
    [DisjointViews]
    public static void Apply<TRule, TElement, TWord, TLane>(ArenaUpdateArguments<TRule, TWord> a)
        where TRule : struct, IUpdateRule
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int chunk = Grid.IdxX / GroupsPerChunk, first = a.Chunks[3 * chunk + 1], count = a.Chunks[3 * chunk + 2];
        ArenaSegmentNumbers numbers = Numbers(a.Scalars, a.Chunks[3 * chunk]);
        if (!numbers.Active) return;
        int i = Grid.IdxX % GroupsPerChunk * KernelLoader.GroupSize + Group.IdxX;
        if (i < count) Step<TRule, TElement, TWord, TLane>(a.Arrays, a.Rule, numbers, a.HasAnchors, first + i, Zero<TLane>());
    }

    /// <summary>
    /// A group takes a chunk through the rule, each array read and written once, and leaves the chunk's sums of g (W - W0),
    /// |U - W0|^2, (U - W) ((U - W0) + (W - W0)) and g^2.
    /// </summary>
    [DisjointViews]
    public static void Update<TRule, TElement, TWord, TLane>(ArenaUpdateArguments<TRule, TWord> a)
        where TRule : struct, IUpdateRule
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<float> products = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> candidates = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> differences = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> slopes = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int chunk = Grid.IdxX, first = a.Chunks[3 * chunk + 1], count = a.Chunks[3 * chunk + 2];
        ArenaSegmentNumbers numbers = Numbers(a.Scalars, a.Chunks[3 * chunk]);
        products[Group.IdxX] = 0f;
        candidates[Group.IdxX] = 0f;
        differences[Group.IdxX] = 0f;
        slopes[Group.IdxX] = 0f;
        int full = count / KernelLoader.GroupSize * KernelLoader.GroupSize;
        for (int i = 0; i < full; i += KernelLoader.GroupSize)
        {
            ArenaSums<TLane> sums = Step<TRule, TElement, TWord, TLane>(a.Arrays, a.Rule, numbers, a.HasAnchors, first + i + Group.IdxX, Zero<TLane>());
            products[Group.IdxX] += TElement.ToSingle(sums.Product);
            candidates[Group.IdxX] += TElement.ToSingle(sums.Candidate);
            differences[Group.IdxX] += TElement.ToSingle(sums.Difference);
            slopes[Group.IdxX] += TElement.ToSingle(sums.Slope);

            // Nobody waits for anybody's data: between two barriers a processor's threads are the lanes of a vector.
            Group.Barrier();
        }

        if (full + Group.IdxX < count)
        {
            ArenaSums<TLane> sums = Step<TRule, TElement, TWord, TLane>(a.Arrays, a.Rule, numbers, a.HasAnchors, first + full + Group.IdxX, Zero<TLane>());
            products[Group.IdxX] += TElement.ToSingle(sums.Product);
            candidates[Group.IdxX] += TElement.ToSingle(sums.Candidate);
            differences[Group.IdxX] += TElement.ToSingle(sums.Difference);
            slopes[Group.IdxX] += TElement.ToSingle(sums.Slope);
        }

        Leave(a.Partials, chunk, products, candidates, differences, slopes, products[Group.IdxX], candidates[Group.IdxX], differences[Group.IdxX], slopes[Group.IdxX]);
    }

    /// <summary>
    /// The same for float32 on cards, measured or not: a thread moves four elements with one wide load, which segments allow
    /// that start at multiples of 64, and keeps its sums in registers.
    /// </summary>
    [DisjointViews]
    public static void UpdateWide<TRule>(ArenaUpdateArguments<TRule, float> a) where TRule : struct, IUpdateRule
    {
        ArrayView<float> products = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> candidates = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> differences = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> slopes = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int chunk = Grid.IdxX, first = a.Chunks[3 * chunk + 1], count = a.Chunks[3 * chunk + 2];
        ArenaSegmentNumbers numbers = Numbers(a.Scalars, a.Chunks[3 * chunk]);
        if (!numbers.Active && a.Measures == 0) return;
        ArenaSums<Scalar32x4> sums = Zero<Scalar32x4>();
        ArenaSums<Scalar32> rest = Zero<Scalar32>();
        ArenaArrays<Scalar32x4> wide = default;
        wide.Weights = a.Arrays.Weights.Cast<Scalar32x4>();
        wide.Gradients = a.Arrays.Gradients.Cast<Scalar32x4>();
        wide.Anchors = a.Arrays.Anchors.Cast<Scalar32x4>();
        wide.First = a.Arrays.First.Cast<Scalar32x4>();
        wide.Second = a.Arrays.Second.Cast<Scalar32x4>();
        wide.Third = a.Arrays.Third.Cast<Scalar32x4>();
        int quads = count / 4;
        for (int i = Group.IdxX; i < quads; i += KernelLoader.GroupSize)
            sums = Step<TRule, Single32x4, Scalar32x4, Scalar32x4>(wide, a.Rule, numbers, a.HasAnchors, first / 4 + i, sums);
        int last = 4 * quads + Group.IdxX;
        if (last < count) rest = Step<TRule, Single32, float, Scalar32>(a.Arrays, a.Rule, numbers, a.HasAnchors, first + last, rest);
        if (a.Measures == 0) return;
        Leave(a.Partials, chunk, products, candidates, differences, slopes,
            Scalar32x4.Sum(sums.Product) + rest.Product.Value, Scalar32x4.Sum(sums.Candidate) + rest.Candidate.Value,
            Scalar32x4.Sum(sums.Difference) + rest.Difference.Value, Scalar32x4.Sum(sums.Slope) + rest.Slope.Value);
    }

    static ArenaSegmentNumbers Numbers(ArrayView<float> scalars, int segment)
    {
        int options = segment * ArenaStep.ScalarCount;
        ArenaSegmentNumbers numbers = default;
        numbers.A = scalars[options];
        numbers.B = scalars[options + 1];
        numbers.C = scalars[options + 2];
        numbers.D = scalars[options + 3];
        numbers.Active = scalars[options + 4] != 0f;
        return numbers;
    }

    static ArenaSums<TLane> Zero<TLane>() where TLane : unmanaged, ILane<TLane>
    {
        ArenaSums<TLane> sums = default;
        sums.Product = TLane.Of(0f);
        sums.Candidate = TLane.Of(0f);
        sums.Difference = TLane.Of(0f);
        sums.Slope = TLane.Of(0f);
        return sums;
    }

    // Everything is read before anything is written, so that four elements can go through at once.
    static ArenaSums<TLane> Step<TRule, TElement, TWord, TLane>(
        ArenaArrays<TWord> arrays, TRule rule, ArenaSegmentNumbers numbers, int hasAnchors, int i, ArenaSums<TLane> sums)
        where TRule : struct, IUpdateRule
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArenaScalars<TLane> scalars = default;
        scalars.A = TLane.Of(numbers.A);
        scalars.B = TLane.Of(numbers.B);
        scalars.C = TLane.Of(numbers.C);
        scalars.D = TLane.Of(numbers.D);
        TLane weight = TElement.Load(arrays.Weights[i]), candidate = weight;
        TLane anchor = hasAnchors != 0 ? TElement.Load(arrays.Anchors[i]) : weight;
        TLane gradient = TElement.Load(arrays.Gradients[i]);
        if (numbers.Active)
        {
            ArenaElement<TLane> element = default;
            element.Weight = weight;
            element.Anchor = anchor;
            element.Gradient = gradient;
            if (rule.States > 0) element.First = TElement.Load(arrays.First[i]);
            if (rule.States > 1) element.Second = TElement.Load(arrays.Second[i]);
            if (rule.States > 2) element.Third = TElement.Load(arrays.Third[i]);
            candidate = rule.Apply(ref element, scalars);
            if (rule.States > 0) arrays.First[i] = TElement.Store(element.First);
            if (rule.States > 1) arrays.Second[i] = TElement.Store(element.Second);
            if (rule.States > 2) arrays.Third[i] = TElement.Store(element.Third);
            arrays.Weights[i] = TElement.Store(candidate);
        }

        // A segment that takes no part has not moved: only its distance is not 0.
        TLane before = weight - anchor, after = candidate - anchor;
        if (numbers.Active)
        {
            sums.Product = TLane.MulAdd(gradient, before, sums.Product);
            sums.Slope = TLane.MulAdd(gradient, gradient, sums.Slope);
        }

        sums.Candidate = TLane.MulAdd(after, after, sums.Candidate);
        sums.Difference = TLane.MulAdd(candidate - weight, after + before, sums.Difference);
        return sums;
    }

    // The threads' sums folded into the chunk's, halves onto each other.
    static void Leave(ArrayView<float> partials, int chunk,
        ArrayView<float> products, ArrayView<float> candidates, ArrayView<float> differences, ArrayView<float> slopes,
        float product, float candidate, float difference, float slope)
    {
        Fold(products, candidates, differences, slopes, product, candidate, difference, slope);
        if (Group.IdxX != 0) return;
        partials[4 * chunk] = products[0];
        partials[4 * chunk + 1] = candidates[0];
        partials[4 * chunk + 2] = differences[0];
        partials[4 * chunk + 3] = slopes[0];
    }

    static void Fold(ArrayView<float> products, ArrayView<float> candidates, ArrayView<float> differences, ArrayView<float> slopes,
        float product, float candidate, float difference, float slope)
    {
        int thread = Group.IdxX;
        products[thread] = product;
        candidates[thread] = candidate;
        differences[thread] = difference;
        slopes[thread] = slope;

        // All sums are in place before any is folded, and each fold before the next.
        Group.Barrier();
        for (int half = KernelLoader.GroupSize / 2; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                products[thread] += products[thread + half];
                candidates[thread] += candidates[thread + half];
                differences[thread] += differences[thread + half];
                slopes[thread] += slopes[thread + half];
            }

            Group.Barrier();
        }
    }

    /// <summary>A group a segment: its chunks' sums in a fixed order, then condition, ratio and scale (Tian et al. 2024, eq. 3, 9 and 4).</summary>
    public static void FoldSegments(ArenaFoldArguments a)
    {
        ArrayView<float> products = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> candidates = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> differences = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        ArrayView<float> slopes = SharedMemory.Allocate<float>(KernelLoader.GroupSize);
        int thread = Group.IdxX, segment = Grid.IdxX;
        int first = a.Segments[2 * segment], count = a.Segments[2 * segment + 1];
        float product = 0f, candidate = 0f, difference = 0f, slope = 0f;
        for (int chunk = thread; chunk < count; chunk += KernelLoader.GroupSize)
        {
            int at = 4 * (first + chunk);
            product += a.Partials[at];
            candidate += a.Partials[at + 1];
            difference += a.Partials[at + 2];
            slope += a.Partials[at + 3];
        }

        Fold(products, candidates, differences, slopes, product, candidate, difference, slope);
        if (thread == 0) Decide(a, segment, products[0], candidates[0], differences[0], slopes[0]);
    }

    // With a = |U - W0| and b = |W - W0|: (a - b) / a = (a^2 - b^2) / (a (a + b)).
    static void Decide(ArenaFoldArguments a, int segment, float product, float candidate, float difference, float slope)
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
        a.Trace[row + 4] = before;
        a.Trace[row + 5] = MathF.Sqrt(slope);
    }

    /// <summary>A thread an element: W = U - scale (U - W0); groups of segments that are not selected return at once.</summary>
    [DisjointViews]
    public static void Project<TElement, TWord, TLane>(ArenaProjectArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int chunk = Grid.IdxX / GroupsPerChunk;
        float scale = a.Scales[a.Chunks[3 * chunk]];
        if (scale == 0f) return;
        int i = Grid.IdxX % GroupsPerChunk * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Chunks[3 * chunk + 2]) return;
        i += a.Chunks[3 * chunk + 1];
        TLane weight = TElement.Load(a.Weights[i]);
        a.Weights[i] = TElement.Store(TLane.MulAdd(TLane.Of(-scale), weight - TElement.Load(a.Anchors[i]), weight));
    }
}

/// <summary>A thread's sums over the elements of a chunk; see <see cref="ArenaStep.Partials"/>.</summary>
struct ArenaSums<TLane> where TLane : unmanaged
{
    public TLane Product, Candidate, Difference, Slope;
}

/// <summary>What is the same for all elements of a segment in this step.</summary>
struct ArenaSegmentNumbers
{
    public float A, B, C, D;
    public bool Active;
}
