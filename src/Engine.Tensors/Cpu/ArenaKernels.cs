using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <content>
/// The loops of an optimizer step. A step is bound by memory: each array is read and written once, the sums that selective
/// projection needs are taken on the way, and the projection reads again only what it changes.
/// </content>
public sealed unsafe partial class CpuBackend
{
    readonly struct ArenaUpdateKernel<TRule>(TRule rule, ArenaStep step) : ISimdKernel where TRule : struct, IUpdateRule
    {
        public void Run<TLane, T>()
            where TLane : struct, IVectorLane<TLane, T>
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            int chunks = step.Chunks.Shape[0];
            ThreadTeam.For((chunks + ChunksPerTask - 1) / ChunksPerTask, new ArenaUpdatePass<TRule, TLane, T>(rule, step).Task);
        }
    }

    /// <summary>The pointers of one step, and the loop over a chunk.</summary>
    sealed class ArenaUpdatePass<TRule, TLane, T>(TRule rule, ArenaStep step)
        where TRule : struct, IUpdateRule
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // Sums in float run over this many vectors before they are added up: short runs keep the rounding small.
        const int PartVectors = 64;

        readonly int chunkCount = step.Chunks.Shape[0];
        readonly int* chunks = Pointer<int>(step.Chunks);
        readonly float* scalars = Pointer<float>(step.Scalars);
        readonly float* partials = step.Partials is null ? null : Pointer<float>(step.Partials);
        readonly T* weights = Pointer<T>(step.Weights);
        readonly T* gradients = Pointer<T>(step.Gradients);
        readonly T* anchors = step.Anchors is null ? null : Pointer<T>(step.Anchors);
        readonly T* firsts = step.First is null ? null : Pointer<T>(step.First);
        readonly T* seconds = step.Second is null ? null : Pointer<T>(step.Second);
        readonly T* thirds = step.Third is null ? null : Pointer<T>(step.Third);

        public void Task(int task)
        {
            int end = Math.Min((task + 1) * ChunksPerTask, chunkCount);
            for (int chunk = task * ChunksPerTask; chunk < end; chunk++)
            {
                int segment = chunks[3 * chunk], first = chunks[3 * chunk + 1], count = chunks[3 * chunk + 2];
                float* options = scalars + (long)segment * ArenaStep.ScalarCount;
                float* sums = partials == null ? null : partials + 4L * chunk;
                Elements all = new(
                    weights + first, gradients + first, At(anchors, first), At(firsts, first), At(seconds, first), At(thirds, first));
                if (options[4] != 0) Update(all, count, options, sums);
                else if (sums != null) Distance(all, count, sums);
            }
        }

        static T* At(T* array, int first) => array == null ? null : array + first;

        void Update(Elements all, int count, float* options, float* sums)
        {
            ArenaScalars<TLane> numbers = new()
            {
                A = TLane.Of(options[0]),
                B = TLane.Of(options[1]),
                C = TLane.Of(options[2]),
                D = TLane.Of(options[3]),
            };
            ArenaSums total = default;
            int vectors = count - count % TLane.Count;
            if (sums == null)
            {
                for (int i = 0; i < vectors; i += TLane.Count) TLane.Store(Candidate(all, i, numbers), all.Weight + i);
            }
            else
            {
                for (int i = 0; i < vectors;)
                {
                    // In locals, which stay in registers.
                    TLane product = TLane.Of(0.0), distance = TLane.Of(0.0), difference = TLane.Of(0.0), slope = TLane.Of(0.0);
                    int end = Math.Min(i + PartVectors * TLane.Count, vectors);
                    for (; i < end; i += TLane.Count)
                    {
                        TLane weight = TLane.Load(all.Weight + i), anchor = TLane.Load(all.Anchor + i), gradient = TLane.Load(all.Gradient + i);
                        TLane candidate = Candidate(all, i, numbers);
                        TLane before = weight - anchor, after = candidate - anchor;
                        product = TLane.MulAdd(gradient, before, product);
                        distance = TLane.MulAdd(after, after, distance);
                        difference = TLane.MulAdd(candidate - weight, after + before, difference);
                        slope = TLane.MulAdd(gradient, gradient, slope);
                        TLane.Store(candidate, all.Weight + i);
                    }

                    total.AddPart(product, distance, difference, slope);
                }
            }

            if (vectors < count) Tail(all.From(vectors), count - vectors, numbers, sums != null, ref total);
            if (sums != null) total.Write(sums);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        TLane Candidate(in Elements all, int i, in ArenaScalars<TLane> numbers)
        {
            Unsafe.SkipInit(out ArenaElement<TLane> element);
            element.Weight = TLane.Load(all.Weight + i);
            element.Gradient = TLane.Load(all.Gradient + i);
            element.Anchor = all.Anchor == null ? element.Weight : TLane.Load(all.Anchor + i);
            if (rule.States > 0) element.First = TLane.Load(all.First + i);
            if (rule.States > 1) element.Second = TLane.Load(all.Second + i);
            if (rule.States > 2) element.Third = TLane.Load(all.Third + i);
            TLane candidate = rule.Apply(ref element, numbers);
            if (rule.States > 0) TLane.Store(element.First, all.First + i);
            if (rule.States > 1) TLane.Store(element.Second, all.Second + i);
            if (rule.States > 2) TLane.Store(element.Third, all.Third + i);
            return candidate;
        }

        // Less than a vector is left: it goes through a padded copy, so that an element's value does not depend on its place.
        void Tail(in Elements all, int count, in ArenaScalars<TLane> numbers, bool measured, ref ArenaSums total)
        {
            int lanes = TLane.Count;
            T* copy = stackalloc T[6 * lanes];
            new Span<T>(copy, 6 * lanes).Clear();
            Elements padded = new(
                copy, copy + lanes, all.Anchor == null ? null : copy + 2 * lanes, copy + 3 * lanes, copy + 4 * lanes, copy + 5 * lanes);
            Copy(all, padded, count);
            TLane before = TLane.Load(padded.Weight);
            TLane.Store(Candidate(padded, 0, numbers), padded.Weight);

            // A rule may make anything of the padding (0 / 0 without an epsilon); the sums must not see it.
            new Span<T>(padded.Weight + count, lanes - count).Clear();
            if (measured) total.Add(before, TLane.Load(padded.Weight), TLane.Load(padded.Gradient), TLane.Load(padded.Anchor));
            Copy(padded, all, count);
        }

        // What the rule has no state for is null in the arena.
        static void Copy(in Elements from, in Elements to, int count)
        {
            CopySome(from.Weight, to.Weight, count);
            CopySome(from.Gradient, to.Gradient, count);
            CopySome(from.Anchor, to.Anchor, count);
            CopySome(from.First, to.First, count);
            CopySome(from.Second, to.Second, count);
            CopySome(from.Third, to.Third, count);
        }

        static void CopySome(T* from, T* to, int count)
        {
            if (from != null && to != null) new ReadOnlySpan<T>(from, count).CopyTo(new(to, count));
        }

        // |W - W0|^2 of a segment that takes no part.
        static void Distance(in Elements all, int count, float* sums)
        {
            ArenaSums total = default;
            int vectors = count - count % TLane.Count;
            for (int i = 0; i < vectors;)
            {
                TLane distance = TLane.Of(0.0);
                int end = Math.Min(i + PartVectors * TLane.Count, vectors);
                for (; i < end; i += TLane.Count)
                {
                    TLane away = TLane.Load(all.Weight + i) - TLane.Load(all.Anchor + i);
                    distance = TLane.MulAdd(away, away, distance);
                }

                total.AddPart(TLane.Of(0.0), distance, TLane.Of(0.0), TLane.Of(0.0));
            }

            if (vectors < count)
            {
                T* copy = stackalloc T[2 * TLane.Count];
                new Span<T>(copy, 2 * TLane.Count).Clear();
                CopySome(all.Weight + vectors, copy, count - vectors);
                CopySome(all.Anchor + vectors, copy + TLane.Count, count - vectors);
                total.Add(TLane.Load(copy), TLane.Load(copy + TLane.Count));
            }

            total.Write(sums);
        }

        /// <summary>Where a chunk's elements lie; null where the arena has none.</summary>
        readonly struct Elements(T* weight, T* gradient, T* anchor, T* first, T* second, T* third)
        {
            public readonly T* Weight = weight, Gradient = gradient, Anchor = anchor, First = first, Second = second, Third = third;

            public Elements From(int i) =>
                new(Weight + i, Gradient + i, At(Anchor, i), At(First, i), At(Second, i), At(Third, i));
        }

        /// <summary>The sums over a chunk; see <see cref="ArenaStep.Partials"/>.</summary>
        struct ArenaSums
        {
            TLane product, candidate, difference, slope;

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public void Add(TLane weight, TLane updated, TLane gradient, TLane anchor)
            {
                TLane before = weight - anchor, after = updated - anchor;
                product = TLane.MulAdd(gradient, before, product);
                candidate = TLane.MulAdd(after, after, candidate);
                difference = TLane.MulAdd(updated - weight, after + before, difference);
                slope = TLane.MulAdd(gradient, gradient, slope);
            }

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public void Add(TLane weight, TLane anchor)
            {
                TLane away = weight - anchor;
                candidate = TLane.MulAdd(away, away, candidate);
            }

            public void AddPart(TLane product, TLane candidate, TLane difference, TLane slope)
            {
                this.product += product;
                this.candidate += candidate;
                this.difference += difference;
                this.slope += slope;
            }

            public readonly void Write(float* sums) => (sums[0], sums[1], sums[2], sums[3]) =
                (Single(product), Single(candidate), Single(difference), Single(slope));

            static float Single(TLane lanes) => float.CreateTruncating(TLane.Sum(lanes));
        }
    }

    readonly struct ArenaProjectKernel(ArenaStep step) : ISimdKernel
    {
        public void Run<TLane, T>()
            where TLane : struct, IVectorLane<TLane, T>
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            // The chunks of the selected segments side by side, so that the threads share them evenly.
            int* segments = Pointer<int>(step.Segments), chunks = Pointer<int>(step.Chunks);
            float* scales = Pointer<float>(step.Scales!);
            T* weights = Pointer<T>(step.Weights), anchors = Pointer<T>(step.Anchors!);
            int[] selected = ArrayPool<int>.Shared.Rent(step.Chunks.Shape[0]);
            int count = 0;
            for (int segment = 0; segment < step.Segments.Shape[0]; segment++)
            {
                if (scales[segment] == 0) continue;
                for (int chunk = 0; chunk < segments[2 * segment + 1]; chunk++) selected[count++] = segments[2 * segment] + chunk;
            }

            ThreadTeam.For((count + ChunksPerTask - 1) / ChunksPerTask, task =>
            {
                int end = Math.Min((task + 1) * ChunksPerTask, count);
                for (int i = task * ChunksPerTask; i < end; i++)
                {
                    int* chunk = chunks + 3 * selected[i];
                    Project<TLane, T>(weights + chunk[1], anchors + chunk[1], chunk[2], scales[chunk[0]]);
                }
            });
            ArrayPool<int>.Shared.Return(selected);
        }
    }

    // Tian et al. 2024, eq. 4: W = U - lambda r (U - W0).
    static void Project<TLane, T>(T* weights, T* anchors, int count, float scale)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TLane pull = TLane.Of(-scale);
        int vectors = count - count % TLane.Count;
        for (int i = 0; i < vectors; i += TLane.Count) Pull(weights + i, anchors + i, pull);
        if (vectors == count) return;
        T* copy = stackalloc T[2 * TLane.Count];
        new Span<T>(copy, 2 * TLane.Count).Clear();
        new ReadOnlySpan<T>(weights + vectors, count - vectors).CopyTo(new(copy, count - vectors));
        new ReadOnlySpan<T>(anchors + vectors, count - vectors).CopyTo(new(copy + TLane.Count, count - vectors));
        Pull(copy, copy + TLane.Count, pull);
        new ReadOnlySpan<T>(copy, count - vectors).CopyTo(new(weights + vectors, count - vectors));

        static void Pull(T* weight, T* anchor, TLane pull)
        {
            TLane w = TLane.Load(weight);
            TLane.Store(TLane.MulAdd(pull, w - TLane.Load(anchor), w), weight);
        }
    }
}
