namespace Engine.Optim;

/// <summary>What selective projection takes as a layer, for its ratio and its condition.</summary>
public enum ProjectionGrain
{
    /// <summary>The tensor: Frobenius norms, one condition, one ratio (the paper).</summary>
    Tensor,

    /// <summary>One condition a tensor, a ratio a row by its L1 norm: <c>norm_type="mars"</c> of the authors' later code (FRAMES-VQA, MAPS).</summary>
    RowRatio,

    /// <summary>Condition and ratio a row, by L1 norms.</summary>
    Row,
}

/// <summary>Which gradient the condition c looks at.</summary>
public enum ConditionGradient
{
    /// <summary>The one that the step is made of: clipped, if somebody clips. The official code.</summary>
    Step,

    /// <summary>The one before clipping (<see cref="Optimizer.BeforeClipping"/>): the letter of eq. 3. Clipping by norm changes c, but not its sign.</summary>
    BeforeClipping,

    /// <summary>The first moment after this step's gradient: what a single batch says counts for less.</summary>
    Averaged,
}

/// <summary>Selective projection with a part taken out, for experiments.</summary>
public enum ProjectionAblation
{
    /// <summary>As it is.</summary>
    None,

    /// <summary>Every step, all the way: W = U - lambda (U - W0). Neither condition nor ratio; decoupled L2-SP.</summary>
    AlwaysProject,

    /// <summary>Every step by the ratio: the condition is not asked.</summary>
    RatioWithoutCondition,

    /// <summary>Where c &lt; 0, all the way: the ratio is taken as 1.</summary>
    ConditionWithoutRatio,

    /// <summary>Where c &gt; 0.</summary>
    InvertedCondition,

    /// <summary>By a coin that falls as often as c was below 0 so far in that layer.</summary>
    RandomCondition,
}

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

    /// <summary>The strength over time, as a factor of <see cref="Lambda"/>; null for the same throughout.</summary>
    public Schedule? LambdaSchedule { get; init; }

    /// <summary>
    /// The strength over depth, as a factor of <see cref="Lambda"/> by a parameter's name; null for the same everywhere.
    /// <see cref="ParameterDepth.Falling"/> is that of MAPS.
    /// </summary>
    public Func<string, double>? LambdaOverDepth { get; init; }

    /// <summary>What is projected as one.</summary>
    public ProjectionGrain Grain { get; init; }

    /// <summary>The gradient of the condition.</summary>
    public ConditionGradient Condition { get; init; }

    /// <summary>How much of the condition's running mean stays in a step, at least 0 and below 1; 0 takes each step's c by itself.</summary>
    public double ConditionDecay { get; init; }

    /// <summary>What is left out of the method, for comparison.</summary>
    public ProjectionAblation Ablation { get; init; }

    /// <summary>Decides the coins of <see cref="ProjectionAblation.RandomCondition"/>.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// True: a LoRA pair is one layer, its deviation |B A| and its condition -sum(dL/dB B), which is that of the product; B alone is
    /// scaled. Needs adapters anchored at zero.
    /// </summary>
    public bool LowRankProducts { get; init; }

    /// <summary>How many steps the trace holds on the device.</summary>
    public int TraceRows { get; init; } = 256;

    /// <summary>True: the trace of every step is kept in host memory, read from the device each time its ring is full.</summary>
    public bool KeepTrace { get; init; }
}
