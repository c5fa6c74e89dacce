using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// Selective projection decay (Tian, Huang and Kira, "Rethinking Weight Decay for Robust Fine-Tuning of Foundation Models",
/// NeurIPS 2024). For a layer W with anchor W0, gradient g and the optimizer's candidate U:
/// <code>
/// c = -sum(g (W - W0))                                         eq. 3
/// if c &lt; 0:  r = clamp((|U - W0| - |W - W0|) / |U - W0|, 0, 1)     eq. 9
///            W = U - lambda r (U - W0)                           eq. 4
/// else:      W = U
/// </code>
/// c &lt; 0 says that descent points back toward the anchor while momentum may still carry the layer outward: a smaller
/// deviation would have lowered the loss. r is 0 whenever the step comes closer by itself. On the first step from the
/// anchor c is 0 and nothing is projected.
/// </summary>
/// <example>
/// In one dimension, anchored at 0: momentum carries W from 1 to U = 1.2 though the gradient there is +0.5. c = -0.5 is
/// negative, r = (1.2 - 1) / 1.2 = 1/6, and lambda = 1 gives W = 1.2 - 1.2 / 6 = 1: the outward part of the step is taken back.
/// With gradient -0.5 descent itself asks to move out, c = +0.5, and W = U.
/// </example>
public sealed class SelectiveProjection
{
    readonly ParameterArena arena;
    readonly SelectiveProjectionOptions options;
    readonly LowRankProducts? products;
    readonly Tensor? previous, unclipped;
    readonly bool measures;
    double lambda;
    bool hasUnclipped;
    int traceRow;

    internal SelectiveProjection(ParameterArena arena, SelectiveProjectionOptions options, bool hasMoment)
    {
        (this.arena, this.options, Lambda) = (arena, options, options.Lambda);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TraceRows, 1, nameof(options.TraceRows));
        OptimizerOptions.Fraction(options.ConditionDecay, nameof(options.ConditionDecay));
        if (options.Condition == ConditionGradient.Averaged && !hasMoment)
            throw new ArgumentException("Condition is Averaged, but the optimizer keeps no moment; use Adam or momentum.");
        if (options is { Grain: ProjectionGrain.Row, Ablation: ProjectionAblation.RandomCondition })
            throw new ArgumentException("RandomCondition tosses a coin a tensor; it goes with Grain Tensor or RowRatio.");
        measures = options.Grain != ProjectionGrain.Tensor || options.Condition != ConditionGradient.Step || options.ConditionDecay > 0 || options.Ablation != ProjectionAblation.None;
        using StepScope outside = StepScope.Outside();
        if (measures) ((Memory, Kept), previous) = (ArenaPart.MemoryOf(arena, Grain), arena.NewBuffer());
        if (options.Condition == ConditionGradient.BeforeClipping) unclipped = arena.NewBuffer();
        Trace = new(arena, options.TraceRows, options.KeepTrace);
        if (options.LowRankProducts) products = new(arena, this);
    }

    /// <summary>The projection strength of the next step where a group has none of its own.</summary>
    /// <exception cref="ArgumentException">Negative or not finite.</exception>
    public double Lambda
    {
        get => lambda;
        set => lambda = CheckLambda(value);
    }

    /// <summary>What the projection saw and did, step by step and layer by layer.</summary>
    public SpdTrace Trace { get; }

    internal ArenaGrain Grain => options.Grain == ProjectionGrain.Tensor ? ArenaGrain.Tensor : ArenaGrain.Row;

    internal Tensor? Memory { get; }

    internal Tensor? Kept { get; }

    internal double StrengthOf(ArenaSegment segment, long step)
    {
        if (!segment.IsAnchored) return 0;
        double strength = segment.Group.Lambda is { } own ? CheckLambda(own) : lambda;
        return CheckLambda(strength * (options.LambdaSchedule?.Factor(step - 1) ?? 1) * (options.LambdaOverDepth?.Invoke(segment.Name) ?? 1));
    }

    // Places 5 to 7: the strength, whether it may be applied, and a coin.
    internal void WriteNumbers(ArenaSegment segment, long step, Span<float> row)
    {
        row[5] = (float)StrengthOf(segment, step);
        row[6] = row[5] > 0 && products?.Holds(segment) != true ? 1 : 0;
        if (options.Ablation == ProjectionAblation.RandomCondition)
            row[7] = Philox.ToUniform(new Philox(options.Seed, (ulong)segment.Index).At((ulong)step).X);
    }

    /// <summary>Makes the projection's launches for a part of the arena.</summary>
    internal void Join(ArenaPart part, ReadOnlySpan<ArenaSegment> segments)
    {
        using StepScope outside = StepScope.Outside();
        if (!measures)
        {
            part.Step = part.Step with
            {
                Partials = Tensor.Empty([part.Step.Chunks.Shape[0], 4], DType.Float32, arena.Device),
                Scales = Tensor.Zeros([part.SegmentCount], DType.Float32, arena.Device),
                Trace = Trace.Ring,
                TraceSegment = part.FirstSegment,
            };
            return;
        }

        part.Projection = part.Step with
        {
            Gradients = options.Condition switch
            {
                ConditionGradient.Averaged => part.Step.First!,
                ConditionGradient.BeforeClipping => part.Elements(unclipped!),
                _ => part.Step.Gradients,
            },
            First = part.Elements(previous!),
            Second = null,
            Third = null,
            Rows = ArenaTables.Rows(segments, Grain, part.Rows(Memory!), part.RowsOf(Kept!, Grain), arena.Device),
            Trace = Trace.Ring,
            TraceSegment = part.FirstSegment,
        };
    }

    internal void KeepGradients(Tensor gradients)
    {
        unclipped?.CopyFrom(gradients);
        hasUnclipped = true;
    }

    internal int Begin(long step)
    {
        if (unclipped is not null && !hasUnclipped) KeepGradients(arena.Gradients);
        traceRow = Trace.Begin(step);
        products?.Before();
        return traceRow;
    }

    internal void Before(Backend backend, ArenaPart part)
    {
        if (part.Projection is { } own) backend.Copy(own.Weights, own.First!);
    }

    internal void Apply(Backend backend, ArenaPart part, bool projects)
    {
        if (part.Projection is not { } own)
        {
            backend.ArenaFold(part.Step);
            if (projects) backend.ArenaProject(part.Step);
            return;
        }

        own.TraceRow = traceRow;
        bool byRows = options.Grain != ProjectionGrain.Tensor;
        if (byRows) backend.ArenaMeasure(new AbsoluteProjectionMeasure(), own);
        else backend.ArenaMeasure(new SquaredProjectionMeasure(), own);
        backend.ArenaDecide(new ProjectionDecision(options), own);
        if (projects) backend.ArenaApply(new PullRule(), own);
    }

    internal void Finish(long step)
    {
        hasUnclipped = false;
        products?.After(traceRow, step);
    }

    static double CheckLambda(double value) => value >= 0 && double.IsFinite(value)
        ? value
        : throw new ArgumentException($"Lambda is {value}; selective projection needs a finite strength of at least 0 (0 leaves the weights alone, 1 projects fully).");
}
