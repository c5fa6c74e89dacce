using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="SelectiveProjection"/>.</summary>
public sealed record SelectiveProjectionOptions
{
    /// <summary>
    /// The projection strength, at least 0: 0 measures and leaves the weights alone, 1 projects a selected layer back onto the
    /// sphere of its previous deviation, more pulls further in. A group may have its own.
    /// </summary>
    public double Lambda { get; init; } = 1;

    /// <summary>Which parameters are held to their pre-trained value; the others are measured (from zero) but never projected.</summary>
    public AnchorOptions Anchors { get; init; } = new();

    /// <summary>How many steps the trace holds on the device.</summary>
    public int TraceRows { get; init; } = 256;

    /// <summary>True: the trace of every step is kept in host memory, read from the device each time its ring is full.</summary>
    public bool KeepTrace { get; init; }
}

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
    double lambda;

    internal SelectiveProjection(ParameterArena arena, SelectiveProjectionOptions options)
    {
        Lambda = options.Lambda;
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TraceRows, 1, nameof(options.TraceRows));
        arena.Anchor(options.Anchors);
        using StepScope outside = StepScope.Outside();
        Partials = Tensor.Empty([arena.Chunks.Shape[0], 4], DType.Float32, arena.Device);
        Scales = Tensor.Zeros([arena.Segments.Count], DType.Float32, arena.Device);
        Trace = new(arena, options.TraceRows, options.KeepTrace);
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

    internal Tensor Partials { get; }

    internal Tensor Scales { get; }

    internal double StrengthOf(ArenaSegment segment) =>
        !segment.IsAnchored ? 0 : segment.Group.Lambda is { } own ? CheckLambda(own) : lambda;

    internal void Apply(Backend backend, ArenaStep step, long number, bool projects)
    {
        step.TraceRow = Trace.Begin(number);
        backend.ArenaFold(step);
        if (projects) backend.ArenaProject(step);
    }

    static double CheckLambda(double value) => value >= 0 && double.IsFinite(value)
        ? value
        : throw new ArgumentException($"Lambda is {value}; selective projection needs a finite strength of at least 0 (0 leaves the weights alone, 1 projects fully).");
}
