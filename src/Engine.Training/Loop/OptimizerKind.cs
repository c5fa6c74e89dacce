using Engine.Optim;

namespace Engine.Training;

/// <summary>The optimizers a run can choose from.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with momentum 0.9.</summary>
    Sgd,

    /// <summary>Adam; weight decay, if any, is coupled (L2).</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay.</summary>
    AdamW,

    /// <summary>Adam with Selective Projection Decay toward the pre-trained weights.</summary>
    AdamSpd,

    /// <summary>SGD with momentum 0.9 and Selective Projection Decay.</summary>
    SgdSpd,

    /// <summary>AdamW with Selective Projection Decay: its weight decay belongs to the candidate.</summary>
    AdamWSpd,

    /// <summary>Adam on the loss with the L2-SP penalty.</summary>
    L2Sp,

    /// <summary>Adam, then a pull to the pre-trained weights.</summary>
    L2SpDecoupled,

    /// <summary>Adam, then rows projected onto balls around their pre-trained values.</summary>
    MarsSp,

    /// <summary>Fast trainable projection.</summary>
    AdamFtp,

    /// <summary>Directional gradient projection.</summary>
    DiGraP,

    /// <summary>AdamW whose decay acts only where the step leads the same way.</summary>
    CautiousAdamW,
}

/// <summary>What the kinds have in common.</summary>
public static class OptimizerKinds
{
    /// <summary>True for those with Selective Projection Decay.</summary>
    public static bool Projects(this OptimizerKind kind) => kind is OptimizerKind.AdamSpd or OptimizerKind.SgdSpd or OptimizerKind.AdamWSpd;

    /// <summary>True for those that look at the pre-trained weights.</summary>
    public static bool UsesAnchors(this OptimizerKind kind) =>
        kind.Projects() || kind is OptimizerKind.L2Sp or OptimizerKind.L2SpDecoupled or OptimizerKind.MarsSp or OptimizerKind.AdamFtp or OptimizerKind.DiGraP;

    /// <summary>The parameters as the options group them.</summary>
    internal static ParameterArena Arena(Models.Module model, TrainingOptions options) =>
        options.Method.LayerDecay is { } decay ? new(LayerDecay.Groups(model.Parameters, decay)) : new(model.Parameters);

    /// <summary>The optimizer that the options name.</summary>
    internal static Optimizer Create(ParameterArena arena, TrainingOptions options, Models.Module model) => options.Optimizer switch
    {
        OptimizerKind.Sgd => new Sgd(arena, Momentum(options)),
        OptimizerKind.SgdSpd => new Sgd(arena, Momentum(options) with { WeightDecay = 0, Projection = Projection(options, model) }),
        OptimizerKind.Adam => new Adam(arena, Decaying(options)),
        OptimizerKind.AdamW => new AdamW(arena, Decaying(options)),
        OptimizerKind.AdamWSpd => new AdamW(arena, Decaying(options) with { Projection = Projection(options, model) }),
        OptimizerKind.L2Sp => new L2Sp(arena, Regularized(options)),
        OptimizerKind.L2SpDecoupled => new L2SpDecoupled(arena, Regularized(options)),
        OptimizerKind.MarsSp => new MarsSp(arena, new() { LearningRate = options.LearningRate, AmsGrad = options.Method.AmsGrad, Radius = options.Method.Radius, Anchors = Anchors(options) }),
        OptimizerKind.AdamFtp => new AdamFtp(arena, new()
        {
            LearningRate = options.LearningRate,
            WeightDecay = options.WeightDecay,
            NoDecayForVectors = true,
            AmsGrad = options.Method.AmsGrad,
            Annealing = options.Method.Annealing,
            RadiusLearningRate = options.Method.Mu,
            Anchors = Anchors(options),
        }),
        OptimizerKind.DiGraP => new DiGraP(arena, new()
        {
            LearningRate = options.LearningRate,
            WeightDecay = options.WeightDecay,
            NoDecayForVectors = true,
            AmsGrad = options.Method.AmsGrad,
            OmegaLearningRate = options.Method.Mu,
            Anchors = Anchors(options),
        }),
        OptimizerKind.CautiousAdamW => new CautiousAdamW(arena, new()
        {
            LearningRate = options.LearningRate,
            WeightDecay = options.WeightDecay,
            NoDecayForVectors = true,
            AmsGrad = options.Method.AmsGrad,
        }),
        _ => new AdamSpd(arena, new AdamSpdOptions
        {
            LearningRate = options.LearningRate,
            AmsGrad = options.Method.AmsGrad,
            Projection = Projection(options, model),
        }),
    };

    static AnchorOptions Anchors(TrainingOptions options) => new()
    {
        Exclude = options.AnchorExclude,
        AdaptersAtStart = options.Method.AdaptersAtStart,
        Storage = options.Method.AnchorStorage,
    };

    static SelectiveProjectionOptions Projection(TrainingOptions options, Models.Module model) => new()
    {
        Lambda = options.Lambda,
        LambdaOverDepth = options.Method.LambdaOverDepth ? new ParameterDepth(model.Parameters).Falling : null,
        Grain = options.Method.Grain,
        Condition = options.Method.Condition,
        ConditionDecay = options.Method.ConditionDecay,
        Ablation = options.Method.Ablation,
        LowRankProducts = options.Method.LowRankProducts,
        Seed = options.Seed,
        Anchors = Anchors(options),
        KeepTrace = options.KeepTrace,
    };

    static SgdOptions Momentum(TrainingOptions options) => new()
    {
        LearningRate = options.LearningRate,
        WeightDecay = options.WeightDecay,
        Momentum = 0.9,
        NoDecayForVectors = true,
    };

    // The pull to the pre-trained weights is of all parameters, biases and norms among them.
    static L2SpOptions Regularized(TrainingOptions options) => new()
    {
        LearningRate = options.LearningRate,
        WeightDecay = options.WeightDecay,
        HeadDecay = options.Method.HeadDecay,
        AmsGrad = options.Method.AmsGrad,
        Anchors = Anchors(options),
    };

    static AdamOptions Decaying(TrainingOptions options) => new()
    {
        LearningRate = options.LearningRate,
        WeightDecay = options.WeightDecay,
        NoDecayForVectors = true,
        AmsGrad = options.Method.AmsGrad,
    };
}
