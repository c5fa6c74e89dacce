using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <content>The loops of methods that measure and scale the arena row by row.</content>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Where the arrays of a step lie, piece by piece.</summary>
    abstract class ArenaPiecePass<TLane, T>(ArenaStep step)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        readonly int pieceCount = step.Rows!.Pieces.Shape[0];
        readonly int* pieces = Pointer<int>(step.Rows!.Pieces);

        protected readonly float* Scalars = Pointer<float>(step.Scalars);
        protected readonly T* Weights = Pointer<T>(step.Weights);
        protected readonly T* Gradients = Pointer<T>(step.Gradients);
        protected readonly T* Anchors = step.Anchors is null ? null : Pointer<T>(step.Anchors);
        protected readonly T* Firsts = step.First is null ? null : Pointer<T>(step.First);
        protected readonly T* Seconds = step.Second is null ? null : Pointer<T>(step.Second);
        protected readonly T* Thirds = step.Third is null ? null : Pointer<T>(step.Third);

        // About as many elements as in ChunksPerTask chunks.
        int PiecesPerTask => (int)Math.Clamp((long)ChunksPerTask * ArenaStep.ChunkLength * pieceCount / Math.Max(step.Weights.ElementCount, 1), 1, 4096);

        public void Run()
        {
            int each = PiecesPerTask;
            ThreadTeam.For((pieceCount + each - 1) / each, task =>
            {
                int end = Math.Min((task + 1) * each, pieceCount);
                for (int piece = task * each; piece < end; piece++)
                {
                    int* entry = pieces + 4L * piece;
                    Piece(piece, entry[0], entry[1], entry[2], entry[3]);
                }
            });
        }

        protected abstract void Piece(int piece, int row, int first, int count, int segment);

        // The last elements of a piece go through a padded copy, in methods of their own so that the loops stay small.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        protected static TLane LoadSome(T* from, int count) => count == TLane.Count ? TLane.Load(from) : LoadPadded(from, count);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        protected static void StoreSome(TLane value, T* to, int count)
        {
            if (count == TLane.Count) TLane.Store(value, to);
            else StorePart(value, to, count);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static TLane LoadPadded(T* from, int count)
        {
            T* copy = stackalloc T[TLane.Count];
            new Span<T>(copy, TLane.Count).Clear();
            new ReadOnlySpan<T>(from, count).CopyTo(new(copy, count));
            return TLane.Load(copy);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void StorePart(TLane value, T* to, int count)
        {
            T* copy = stackalloc T[TLane.Count];
            TLane.Store(value, copy);
            new ReadOnlySpan<T>(copy, count).CopyTo(new(to, count));
        }
    }

    readonly struct ArenaMeasureKernel<TMeasure>(TMeasure measure, ArenaStep step) : ISimdKernel where TMeasure : struct, IArenaMeasure
    {
        public void Run<TLane, T>()
            where TLane : struct, IVectorLane<TLane, T>
            where T : unmanaged, IBinaryFloatingPointIeee754<T> => new ArenaMeasurePass<TMeasure, TLane, T>(measure, step).Run();
    }

    sealed class ArenaMeasurePass<TMeasure, TLane, T>(TMeasure measure, ArenaStep step) : ArenaPiecePass<TLane, T>(step)
        where TMeasure : struct, IArenaMeasure
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        readonly float* sums = Pointer<float>(step.Rows!.Sums);

        protected override void Piece(int piece, int row, int first, int count, int segment)
        {
            TLane a = TLane.Of(0.0), b = a, c = a, d = a;
            for (int i = 0; i < count; i += TLane.Count)
            {
                ArenaTerms<TLane> terms = measure.Apply(Element(first + i, Math.Min(TLane.Count, count - i)));
                (a, b, c, d) = (a + terms.A, b + terms.B, c + terms.C, d + terms.D);
            }

            float* target = sums + 4L * piece;
            (target[0], target[1], target[2], target[3]) = (Single(a), Single(b), Single(c), Single(d));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        ArenaElement<TLane> Element(int i, int count)
        {
            Unsafe.SkipInit(out ArenaElement<TLane> element);
            element.Weight = LoadSome(Weights + i, count);
            element.Anchor = Anchors == null ? element.Weight : LoadSome(Anchors + i, count);
            if (measure.UsesGradient) element.Gradient = LoadSome(Gradients + i, count);
            if (measure.UsesFirst) element.First = LoadSome(Firsts + i, count);
            return element;
        }

        static float Single(TLane lanes) => float.CreateTruncating(TLane.Sum(lanes));
    }

    readonly struct ArenaApplyKernel<TRule>(TRule rule, ArenaStep step) : ISimdKernel where TRule : struct, IUpdateRule
    {
        public void Run<TLane, T>()
            where TLane : struct, IVectorLane<TLane, T>
            where T : unmanaged, IBinaryFloatingPointIeee754<T> => new ArenaApplyPass<TRule, TLane, T>(rule, step).Run();
    }

    sealed class ArenaApplyPass<TRule, TLane, T>(TRule rule, ArenaStep step) : ArenaPiecePass<TLane, T>(step)
        where TRule : struct, IUpdateRule
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        readonly float* scales = Pointer<float>(step.Rows!.Scales);

        protected override void Piece(int piece, int row, int first, int count, int segment)
        {
            float* numbers = Scalars + (long)segment * ArenaStep.ScalarCount;
            float scale = scales[row];
            if (numbers[4] == 0 || (rule.States == 0 && scale == 0)) return;
            ArenaScalars<TLane> scalars = new()
            {
                A = TLane.Of(scale),
                B = TLane.Of(numbers[1]),
                C = TLane.Of(numbers[2]),
                D = TLane.Of(numbers[3]),
            };
            for (int i = 0; i < count; i += TLane.Count) Step(first + i, Math.Min(TLane.Count, count - i), scalars);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void Step(int i, int count, in ArenaScalars<TLane> scalars)
        {
            Unsafe.SkipInit(out ArenaElement<TLane> element);
            element.Weight = LoadSome(Weights + i, count);
            element.Gradient = LoadSome(Gradients + i, count);
            element.Anchor = Anchors == null ? element.Weight : LoadSome(Anchors + i, count);
            if (rule.States > 0) element.First = LoadSome(Firsts + i, count);
            if (rule.States > 1) element.Second = LoadSome(Seconds + i, count);
            if (rule.States > 2) element.Third = LoadSome(Thirds + i, count);
            StoreSome(rule.Apply(ref element, scalars), Weights + i, count);
            if (rule.States > 0) StoreSome(element.First, Firsts + i, count);
            if (rule.States > 1) StoreSome(element.Second, Seconds + i, count);
            if (rule.States > 2) StoreSome(element.Third, Thirds + i, count);
        }
    }

    /// <summary>A segment's decision, in double precision.</summary>
    sealed class ArenaDecidePass<TDecision>(TDecision decision, ArenaStep step) where TDecision : struct, IArenaDecision
    {
        readonly int* table = Pointer<int>(step.Rows!.Table), segments = Pointer<int>(step.Rows!.Segments);
        readonly float* sums = Pointer<float>(step.Rows!.Sums), scalars = Pointer<float>(step.Scalars);
        readonly float* memories = Pointer<float>(step.Rows!.Memory), kept = Pointer<float>(step.Rows!.Kept), scales = Pointer<float>(step.Rows!.Scales);
        readonly float* trace = step.Trace is { } ring ? Pointer<float>(ring) + step.TraceStart : null;

        public void Task(int segment)
        {
            int firstRow = segments[4 * segment], rows = segments[4 * segment + 1];
            float* numbers = scalars + (long)segment * ArenaStep.ScalarCount;
            bool active = numbers[4] != 0;
            ArenaScalars<Scalar64> own = new() { A = new(numbers[5]), B = new(numbers[6]), C = new(numbers[7]), D = new(numbers[3]) };
            ArenaTerms<Scalar64> total = default;
            for (int row = firstRow; row < firstRow + rows; row++)
            {
                ArenaTerms<Scalar64> terms = decision.Gather(Row(row), new Scalar64(kept[row]));
                total.A += terms.A;
                total.B += terms.B;
                total.C += terms.C;
                total.D = row == firstRow ? terms.D : Scalar64.Max(total.D, terms.D);
            }

            float* remembered = memories + 4L * segment;
            ArenaTerms<Scalar64> memory = new() { A = new(remembered[0]), B = new(remembered[1]), C = new(remembered[2]), D = new(remembered[3]) };
            ArenaTerms<Scalar64> seen = decision.Decide(total, own, ref memory);
            if (trace != null) Trace(trace + (long)segment * ArenaStep.TraceWidth, seen, active);
            if (active)
            {
                // As it will be read in the next step, whatever the precision of this one.
                (remembered[0], remembered[1], remembered[2], remembered[3]) = ((float)memory.A.Value, (float)memory.B.Value, (float)memory.C.Value, (float)memory.D.Value);
            }

            for (int row = firstRow; row < firstRow + rows; row++)
            {
                Scalar64 mine = new(kept[row]);
                scales[row] = active ? (float)decision.Scale(Row(row), own, memory, ref mine).Value : 0;
                if (active) kept[row] = (float)mine.Value;
            }
        }

        // A segment that took no part has no condition and was not scaled. The deviation before and |g| are not measured by rows.
        static void Trace(float* row, in ArenaTerms<Scalar64> seen, bool active) =>
            (row[0], row[1], row[2], row[3], row[4], row[5]) = active
                ? ((float)seen.A.Value, (float)seen.B.Value, (float)seen.C.Value, (float)seen.D.Value, float.NaN, float.NaN)
                : (float.NaN, 0, (float)seen.C.Value, 0, float.NaN, float.NaN);

        ArenaTerms<Scalar64> Row(int row)
        {
            double a = 0, b = 0, c = 0, d = 0;
            float* piece = sums + 4L * table[2 * row];
            for (int i = 0; i < table[2 * row + 1]; i++, piece += 4)
            {
                a += piece[0];
                b += piece[1];
                c += piece[2];
                d += piece[3];
            }

            return new() { A = new(a), B = new(b), C = new(c), D = new(d) };
        }
    }
}
