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
}

static class OptimizerKinds
{
    /// <summary>The optimizer that the options name.</summary>
    public static Optimizer Create(ParameterArena arena, TrainingOptions options) => options.Optimizer switch
    {
        OptimizerKind.Sgd => new Sgd(arena, new SgdOptions
        {
            LearningRate = options.LearningRate,
            WeightDecay = options.WeightDecay,
            Momentum = 0.9,
            NoDecayForVectors = true,
        }),
        OptimizerKind.Adam => new Adam(arena, Decaying(options)),
        OptimizerKind.AdamW => new AdamW(arena, Decaying(options)),
        _ => new AdamSpd(arena, new AdamSpdOptions
        {
            LearningRate = options.LearningRate,
            Projection = new SelectiveProjectionOptions
            {
                Lambda = options.Lambda,
                Anchors = new AnchorOptions { Exclude = options.AnchorExclude },
                KeepTrace = options.KeepTrace,
            },
        }),
    };

    static AdamOptions Decaying(TrainingOptions options) =>
        new() { LearningRate = options.LearningRate, WeightDecay = options.WeightDecay, NoDecayForVectors = true };
}
