using Engine.Autograd;

namespace Engine.Training;

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>The update rule.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.AdamSpd;

    /// <summary>The learning rate after warm-up, above 0.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>
    /// Weight decay of SGD, Adam, AdamW, cautious AdamW, FTP and DiGraP, 0 or more; vectors (biases, norms) have none. With L2-SP the pull to
    /// the pre-trained weights.
    /// </summary>
    public double WeightDecay { get; init; }

    /// <summary>The knobs of the robust fine-tuning methods.</summary>
    public MethodOptions Method { get; init; } = new();

    /// <summary>Adam-SPD's strength lambda, 0 or more; 1 keeps a selected layer at the deviation it had.</summary>
    public double Lambda { get; init; } = 1;

    /// <summary>
    /// Batches a step, 1 or more: their gradients are averaged, every prediction counting the same, as if they had been one
    /// batch. The last step of an epoch takes what is left.
    /// </summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>Less memory for more time: backward computes each block once more (<see cref="Models.Module.RecomputesBlocks"/>). The weights come out the same.</summary>
    public bool Recompute { get; init; }

    /// <summary>
    /// Mixed precision with BFloat16: activations and weights of 16 bits in forward and backward; the weights that are trained, and the
    /// optimizer's state, stay float32. It is for GPUs: a CPU saves memory by it, and takes longer.
    /// </summary>
    public Precision Precision { get; init; }

    /// <summary>Passes over the training data.</summary>
    public int Epochs { get; init; } = 5;

    /// <summary>Decides dropout and what else the model leaves to chance; batches have the loader's seed.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Steps over which the learning rate rises from 0, or a share of all steps where it is below 1.</summary>
    public double WarmUp { get; init; } = 0.1;

    /// <summary>What the learning rate does after warm-up.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>The largest global norm of the gradient, or null.</summary>
    public double? Clip { get; init; }

    /// <summary>The share of a label that is spread over all classes, at least 0 and below 1.</summary>
    public float LabelSmoothing { get; init; }

    /// <summary>Parameters that are trained, as patterns of names, all others being frozen; none for all. <c>head.*</c> is a linear probe.</summary>
    public IReadOnlyList<string> TrainOnly { get; init; } = [];

    /// <summary>Parameters that are not trained, as patterns of names (<c>blocks.0.*</c>).</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>What was done to the model before, in a few words: adapters, an earlier phase. A run is resumed only with the same.</summary>
    public string Adaptation { get; init; } = "none";

    /// <summary>Parameters that Adam-SPD never pulls back, as patterns of names, besides those that are freshly initialised.</summary>
    public IReadOnlyList<string> AnchorExclude { get; init; } = [];

    /// <summary>Keep Adam-SPD's trace of every step; otherwise the last few hundred steps are there.</summary>
    public bool KeepTrace { get; init; }

    /// <summary>The steps of warm-up in a run of so many.</summary>
    public int WarmUpSteps(int steps) => (int)Math.Round(WarmUp < 1 ? WarmUp * steps : Math.Min(WarmUp, steps));

    /// <summary>Freezes and unfreezes a model's parameters as <see cref="TrainOnly"/> and <see cref="Freeze"/> say; the trainer does it.</summary>
    /// <exception cref="ArgumentException">A pattern matches nothing.</exception>
    public void ChooseParameters(Models.Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (TrainOnly.Count > 0)
        {
            model.Freeze("*");
            model.Unfreeze([.. TrainOnly]);
        }

        model.Freeze([.. Freeze]);
    }

    /// <summary>The first option whose value makes no sense, or null.</summary>
    public OptionFault? Fault() =>
        Check(Enum.IsDefined(Optimizer), nameof(Optimizer), (int)Optimizer, "one of the kinds")
        ?? Check(Enum.IsDefined(Precision), nameof(Precision), (int)Precision, "one of the precisions")
        ?? Check(LearningRate is > 0 and < double.PositiveInfinity, nameof(LearningRate), LearningRate, "a number above 0")
        ?? Check(WeightDecay is >= 0 and < double.PositiveInfinity, nameof(WeightDecay), WeightDecay, "0 or more")
        ?? Check(Lambda is >= 0 and < double.PositiveInfinity, nameof(Lambda), Lambda, "0 or more")
        ?? Method.Fault()
        ?? Check(Accumulation >= 1, nameof(Accumulation), Accumulation, "1 or more")
        ?? Check(Epochs >= 1, nameof(Epochs), Epochs, "1 or more")
        ?? Check(WarmUp is >= 0 and < double.PositiveInfinity, nameof(WarmUp), WarmUp, "0 or more steps, or a share below 1")
        ?? Check(Clip is null or > 0, nameof(Clip), Clip ?? 0, "a norm above 0")
        ?? Check(LabelSmoothing is >= 0 and < 1, nameof(LabelSmoothing), LabelSmoothing, "at least 0 and below 1");

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="ArgumentException">One line: which option, what it is, what it may be.</exception>
    public void Validate()
    {
        if (Fault() is { } fault) throw new ArgumentException($"TrainingOptions.{fault.Option} {fault.Problem}");
    }

    internal static OptionFault? Check(bool valid, string option, double value, string expected) =>
        valid ? null : new(option, FormattableString.Invariant($"is {value}; it must be {expected}."));
}

/// <summary>An option with a value that makes no sense.</summary>
/// <param name="Option">The property's name.</param>
/// <param name="Problem">What it is and what it may be: <c>is -1; it must be 0 or more.</c></param>
public readonly record struct OptionFault(string Option, string Problem);
