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

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>The update rule.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.AdamSpd;

    /// <summary>The learning rate after warm-up, above 0.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Weight decay of SGD, Adam and AdamW, 0 or more; vectors (biases, norms) have none.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Adam-SPD's strength lambda, 0 or more; 1 keeps a selected layer at the deviation it had.</summary>
    public double Lambda { get; init; } = 1;

    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 5;

    /// <summary>Decides dropout and what else the model leaves to chance; batches have the loader's seed.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Steps over which the learning rate rises from 0, or a share of all steps where it is below 1.</summary>
    public double WarmUp { get; init; } = 0.1;

    /// <summary>What the learning rate does after warm-up.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>The largest global norm of the gradient, or null.</summary>
    public double? Clip { get; init; }

    /// <summary>The share of a label that is spread over all classes, 0 to 1.</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>Parameters that are not trained, as patterns of names (<c>blocks.0.*</c>).</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Parameters that Adam-SPD never pulls back, as patterns of names, besides those that are freshly initialised.</summary>
    public IReadOnlyList<string> AnchorExclude { get; init; } = [];

    /// <summary>Keep Adam-SPD's trace of every step; otherwise the last few hundred steps are there.</summary>
    public bool KeepTrace { get; init; }

    /// <summary>The steps of warm-up in a run of so many.</summary>
    public int WarmUpSteps(int steps) => (int)Math.Round(WarmUp < 1 ? WarmUp * steps : Math.Min(WarmUp, steps));

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="ArgumentException">One line: which option, what it is, what it may be.</exception>
    public void Validate()
    {
        Require(LearningRate is > 0 and < double.PositiveInfinity, "learning rate", LearningRate, "a number above 0");
        Require(WeightDecay is >= 0 and < double.PositiveInfinity, "weight decay", WeightDecay, "0 or more");
        Require(Lambda is >= 0 and < double.PositiveInfinity, "lambda", Lambda, "0 or more");
        Require(Epochs >= 1, "epochs", Epochs, "1 or more");
        Require(WarmUp is >= 0 and < double.PositiveInfinity, "warm-up", WarmUp, "0 or more steps, or a share below 1");
        Require(Clip is null or > 0, "clip", Clip ?? 0, "a norm above 0");
        Require(LabelSmoothing is >= 0 and < 1, "label smoothing", LabelSmoothing, "0 to 1");
    }

    static void Require(bool valid, string option, double value, string expected)
    {
        if (!valid) throw new ArgumentException(FormattableString.Invariant($"{option} is {value}; it must be {expected}."));
    }
}
