namespace Engine.Optim;

/// <summary>
/// Settings of <see cref="AdamSpd"/>. What the official script calls weight_decay is <see cref="Lambda"/>;
/// <see cref="OptimizerOptions.WeightDecay"/> would add an L2 penalty to the gradient before anything else.
/// </summary>
public sealed record AdamSpdOptions : AdamOptions
{
    /// <summary>Settings with the projection switched on at its defaults.</summary>
    public AdamSpdOptions() => Projection = new();

    /// <summary>The projection strength: 1 keeps a selected layer on its previous sphere; see <see cref="SelectiveProjectionOptions.Lambda"/>.</summary>
    public double Lambda
    {
        get => (Projection ?? new()).Lambda;
        init => Projection = (Projection ?? new()) with { Lambda = value };
    }

    /// <summary>Which parameters are held to their pre-trained value.</summary>
    public AnchorOptions Anchors
    {
        get => (Projection ?? new()).Anchors;
        init => Projection = (Projection ?? new()) with { Anchors = value };
    }
}

/// <summary>
/// Adam with selective projection decay (Tian, Huang and Kira, NeurIPS 2024, algorithm 2): Adam's step without any decay,
/// then each layer whose progress is inconsistent is pulled back toward its pre-trained weights; see <see cref="SelectiveProjection"/>.
/// </summary>
public sealed class AdamSpd : Adam
{
    /// <summary>Adam-SPD over an arena, whose present values become the anchors.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range, or the projection is switched off.</exception>
    public AdamSpd(ParameterArena arena, AdamSpdOptions options) : base(arena, options) =>
        Projection = base.Projection ?? throw new ArgumentException("AdamSpd: Projection is null; use Adam for a step without it.");

    /// <summary>The projection with its trace.</summary>
    public new SelectiveProjection Projection { get; }
}
