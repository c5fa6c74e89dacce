using System.Collections;
using System.Globalization;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// The record of selective projection: a ring of steps on the device, read when somebody looks. The rows of a step follow
/// one another in the order of the arena's segments, the oldest step first.
/// </summary>
/// <remarks>Not looking costs nothing; looking waits for the device and copies each step once.</remarks>
public sealed class SpdTrace : IReadOnlyList<SpdTraceRow>
{
    // Momentum has to build up before a layer overshoots: fewer steps say nothing about what never happened.
    const int StepsToJudge = 20;

    readonly ParameterArena arena;
    readonly bool keepAll;
    readonly long[] ringSteps;
    readonly float[]?[] ringRows;
    readonly List<(long Step, float[] Row)> kept = [];
    readonly List<OptimizerWarning> warnings = [];
    readonly HashSet<int> warned = [];
    long written;
    bool projected;

    internal SpdTrace(ParameterArena arena, int rows, bool keepAll)
    {
        (this.arena, this.keepAll) = (arena, keepAll);
        (ringSteps, ringRows) = (new long[rows], new float[]?[rows]);
        Ring = Tensor.Zeros([rows, arena.Segments.Count, ArenaStep.TraceWidth], DType.Float32, arena.Device);
    }

    internal Tensor Ring { get; }

    int Held => (int)Math.Min(written, ringSteps.Length);

    // Steps of the ring that a drained copy does not hold already.
    int Fresh => keepAll ? (int)(written - kept.Count) : Held;

    /// <summary>How many steps can be read.</summary>
    public int StepCount => kept.Count + Fresh;

    /// <summary>How many rows can be read: one a layer and step.</summary>
    public int Count => StepCount * arena.Segments.Count;

    /// <summary>A row, the oldest first.</summary>
    public SpdTraceRow this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            (long step, float[] row) = StepAt(index / arena.Segments.Count);
            return RowOf(step, row, index % arena.Segments.Count);
        }
    }

    /// <summary>The rows of the last step; empty before the first.</summary>
    public IReadOnlyList<SpdTraceRow> Latest => StepCount == 0 ? [] : RowsAt(StepCount - 1);

    /// <summary>
    /// One sentence for each layer that was pulled past its anchor (lambda r above 1); after some steps also for each adapter that
    /// never left its anchor at zero, and if nothing was ever projected. Asking reads the trace; steps that left the ring unread
    /// are not seen.
    /// </summary>
    public IReadOnlyList<string> Warnings => StepCount < StepsToJudge ? [.. Found.Select(found => found.Message)] : [.. Found.Concat(Idle()).OrderBy(found => found.Kind == OptimizerWarningKind.NeverProjected).Select(found => found.Message)];

    /// <summary>The warnings that the trace alone gives: layers pulled past their anchor, and if nothing was ever projected.</summary>
    internal IReadOnlyList<OptimizerWarning> Found
    {
        get
        {
            for (int i = kept.Count; i < StepCount; i++) StepAt(i);
            if (StepCount < StepsToJudge || projected) return warnings;
            return [.. warnings, new(OptimizerWarningKind.NeverProjected, null, $"no layer was projected in {StepCount} steps: Adam-SPD was Adam, since descent never pointed back toward the anchors.")];
        }
    }

    IEnumerable<OptimizerWarning> Idle()
    {
        foreach (SpdTraceRow row in Latest)
            if (row.Deviation == 0 && arena.Segments.First(segment => segment.Name == row.Segment).Parameter.ZeroAnchor)
                yield return new(OptimizerWarningKind.AdapterAtZero, row.Segment, $"{row.Segment}: still zero after {written} steps: the adapter has learned nothing; is it used in the forward pass, and the learning rate above 0?");
    }

    /// <summary>The rows of the steps after a given one, for whoever writes them out now and then.</summary>
    public IEnumerable<SpdTraceRow> Since(long step)
    {
        for (int i = 0; i < StepCount; i++)
            if (StepNumberAt(i) > step)
                foreach (SpdTraceRow row in RowsAt(i)) yield return row;
    }

    /// <summary>The distance of the whole model from its anchor after the last step: the root of the sum of the anchored layers' squares.</summary>
    public double OverallDeviation() => StepCount == 0 ? 0 : Overall(StepCount - 1);

    /// <summary>The distance of the whole model from its anchor after each step held, the oldest first.</summary>
    public IReadOnlyList<(long Step, double Deviation)> OverallDeviations()
    {
        (long, double)[] result = new (long, double)[StepCount];
        for (int i = 0; i < result.Length; i++) result[i] = (StepNumberAt(i), Overall(i));
        return result;
    }

    /// <inheritdoc/>
    public IEnumerator<SpdTraceRow> GetEnumerator() => Since(long.MinValue).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The ring's row for a step that is about to be folded.</summary>
    internal int Begin(long step)
    {
        if (keepAll && Fresh == ringSteps.Length) Drain();
        int row = (int)(written++ % ringSteps.Length);
        (ringSteps[row], ringRows[row]) = (step, null);
        return row;
    }

    void Drain()
    {
        int first = kept.Count, count = Fresh;
        (long, float[])[] rows = new (long, float[])[count];
        for (int i = 0; i < count; i++) rows[i] = StepAt(first + i);
        kept.AddRange(rows);
    }

    int RingRowAt(int index) => (int)((written - Fresh + (index - kept.Count)) % ringSteps.Length);

    long StepNumberAt(int index) => index < kept.Count ? kept[index].Step : ringSteps[RingRowAt(index)];

    (long Step, float[] Row) StepAt(int index)
    {
        if (index < kept.Count) return kept[index];
        int ring = RingRowAt(index);
        return (ringSteps[ring], ringRows[ring] ??= Read(ring));
    }

    float[] Read(int ring)
    {
        float[] row = new float[arena.Segments.Count * ArenaStep.TraceWidth];
        Ring.Slice(0, ring, ring + 1).CopyTo<float>(row);
        foreach (ArenaSegment segment in arena.Segments)
        {
            float scale = row[segment.Index * ArenaStep.TraceWidth + 3];
            projected |= scale > 0;
            if (scale <= 1 || !warned.Add(segment.Index)) continue;
            warnings.Add(new(OptimizerWarningKind.Overshoot, segment.Name, string.Create(CultureInfo.InvariantCulture,
                $"{segment.Name}: lambda r was {scale:0.###} in step {ringSteps[ring]}: above 1 the projection passes the anchor and the layer ends on its far side; lower lambda or let the learning rate grow more slowly.")));
        }

        return row;
    }

    SpdTraceRow[] RowsAt(int index)
    {
        (long step, float[] row) = StepAt(index);
        SpdTraceRow[] rows = new SpdTraceRow[arena.Segments.Count];
        for (int i = 0; i < rows.Length; i++) rows[i] = RowOf(step, row, i);
        return rows;
    }

    SpdTraceRow RowOf(long step, float[] row, int segment)
    {
        ReadOnlySpan<float> numbers = row.AsSpan(segment * ArenaStep.TraceWidth, ArenaStep.TraceWidth);
        return new(step, arena.Segments[segment].Name, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
    }

    double Overall(int index)
    {
        float[] row = StepAt(index).Row;
        double sum = 0;
        foreach (ArenaSegment segment in arena.Segments)
        {
            double deviation = row[segment.Index * ArenaStep.TraceWidth + 2];
            if (segment.IsAnchored) sum += deviation * deviation;
        }

        return Math.Sqrt(sum);
    }
}
