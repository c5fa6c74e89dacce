using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim.Tests;

/// <summary>Every method with settings that make it act.</summary>
static class Methods
{
    /// <summary>Names of all.</summary>
    public static readonly string[] Kinds =
    [
        "sgd", "momentum", "nesterov", "adam", "adamw", "amsgrad", "l2sp", "l2sp-decoupled", "mars", "ftp", "ftp-amsgrad", "digrap", "cautious", "cautious-anchor",
        "spd", "spd-amsgrad", "sgd-spd", "spd-rows", "spd-row-mean", "spd-averaged", "spd-unclipped", "spd-always", "spd-no-condition", "spd-no-ratio", "spd-inverted",
        "spd-random", "spd-schedule", "spd-bfloat16", "spd-host", "ftp-host",
    ];

    public static Optimizer Create(string kind, ParameterArena arena, bool allowMissing = false)
    {
        return kind switch
        {
            "sgd" => new Sgd(arena, new() { LearningRate = 0.1, WeightDecay = 0.1, AllowMissingGradients = allowMissing }),
            "momentum" => new Sgd(arena, new() { LearningRate = 0.1, Momentum = 0.9, Dampening = 0.1, AllowMissingGradients = allowMissing }),
            "nesterov" => new Sgd(arena, new() { LearningRate = 0.1, Momentum = 0.9, Nesterov = true, AllowMissingGradients = allowMissing }),
            "adam" => new Adam(arena, new() { WeightDecay = 0.1, AllowMissingGradients = allowMissing }),
            "adamw" => new AdamW(arena, new() { WeightDecay = 0.1, AllowMissingGradients = allowMissing }),
            "amsgrad" => new AdamW(arena, new() { WeightDecay = 0.1, AmsGrad = true, AllowMissingGradients = allowMissing }),
            "l2sp" => new L2Sp(arena, new() { WeightDecay = 0.1, AllowMissingGradients = allowMissing }),
            "l2sp-decoupled" => new L2SpDecoupled(arena, new() { LearningRate = 0.05, WeightDecay = 0.1, AllowMissingGradients = allowMissing }),
            "mars" => new MarsSp(arena, new() { LearningRate = 0.05, Radius = 0.3, AllowMissingGradients = allowMissing }),
            "ftp" => new AdamFtp(arena, new() { LearningRate = 0.05, WeightDecay = 0.01, Annealing = 0, AllowMissingGradients = allowMissing }),
            "ftp-amsgrad" => new AdamFtp(arena, new() { LearningRate = 0.05, AmsGrad = true, Annealing = 0, AllowMissingGradients = allowMissing }),
            "ftp-host" => new AdamFtp(arena, new() { LearningRate = 0.05, Annealing = 0, AllowMissingGradients = allowMissing, Anchors = new() { Storage = AnchorStorage.Host, PartLength = 5000 } }),
            "digrap" => new DiGraP(arena, new() { LearningRate = 0.05, OmegaLearningRate = 0.1, AllowMissingGradients = allowMissing }),
            "cautious" => new CautiousAdamW(arena, new() { LearningRate = 0.05, WeightDecay = 0.2, AllowMissingGradients = allowMissing }),
            "cautious-anchor" => new CautiousAdamW(arena, new() { LearningRate = 0.05, WeightDecay = 0.2, TowardAnchor = true, AmsGrad = true, AllowMissingGradients = allowMissing }),
            "sgd-spd" => new Sgd(arena, new() { LearningRate = 0.1, Momentum = 0.9, AllowMissingGradients = allowMissing, Projection = new() }),
            "spd" => Spd(new() { Lambda = 1.5 }),
            "spd-amsgrad" => Spd(new(), amsGrad: true),
            "spd-rows" => Spd(new() { Grain = ProjectionGrain.RowRatio }),
            "spd-row-mean" => Spd(new() { Grain = ProjectionGrain.Row, ConditionDecay = 0.7, Lambda = 0.8 }),
            "spd-averaged" => Spd(new() { Condition = ConditionGradient.Averaged }),
            "spd-unclipped" => Spd(new() { Condition = ConditionGradient.BeforeClipping }),
            "spd-always" => Spd(new() { Ablation = ProjectionAblation.AlwaysProject, Lambda = 0.1 }),
            "spd-no-condition" => Spd(new() { Ablation = ProjectionAblation.RatioWithoutCondition, Lambda = 0.5 }),
            "spd-no-ratio" => Spd(new() { Ablation = ProjectionAblation.ConditionWithoutRatio, Lambda = 0.1 }),
            "spd-inverted" => Spd(new() { Ablation = ProjectionAblation.InvertedCondition }, amsGrad: true),
            "spd-random" => Spd(new() { Ablation = ProjectionAblation.RandomCondition, Seed = 3 }),
            "spd-schedule" => Spd(new() { LambdaSchedule = new LinearSchedule(20), LambdaOverDepth = name => name.Contains('1') ? 0.5 : 1 }),
            "spd-bfloat16" => Spd(new() { Anchors = new() { Storage = AnchorStorage.BFloat16, PartLength = 5000 } }),
            "spd-host" => Spd(new() { Grain = ProjectionGrain.RowRatio, Anchors = new() { Storage = AnchorStorage.Host, PartLength = 5000 } }),
            _ => throw new ArgumentException(kind),
        };

        AdamSpd Spd(SelectiveProjectionOptions projection, bool amsGrad = false) =>
            new(arena, new() { LearningRate = 0.05, AmsGrad = amsGrad, AllowMissingGradients = allowMissing, Projection = projection });
    }

    /// <summary>Parameters of all shapes that occur: matrices, filters, vectors, a scalar, rows of one element.</summary>
    public static Parameter[] OddShapes()
    {
        int[][] shapes = [[7, 5], [7], [3, 2, 3, 3], [257], [], [6, 1], [1, 9], [40, 130], [2, 5000], [1, 1, 1, 1], [9, 16]];
        return [.. shapes.Select((shape, i) => new Parameter($"blocks.{i}.weight", TestModel.Draw(500 + i, shape.Aggregate(1, (a, b) => a * b), 1).Reshape(Shape.Create(shape))) { IsFresh = false })];
    }
}
