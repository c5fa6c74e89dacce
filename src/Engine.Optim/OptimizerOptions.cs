namespace Engine.Optim;

/// <summary>What all optimizers have in common.</summary>
public record OptimizerOptions
{
    /// <summary>The step size; a <see cref="Schedule"/> may change it from step to step.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Strength of the pull to zero; what exactly it multiplies is the optimizer's.</summary>
    public double WeightDecay { get; init; }

    /// <summary>True: parameters of at most one axis (biases, norms) have no weight decay.</summary>
    public bool NoDecayForVectors { get; init; }

    /// <summary>
    /// True: a parameter without a gradient is left as it is. False: that is an error, since it usually means that a layer
    /// is not connected to the loss.
    /// </summary>
    public bool AllowMissingGradients { get; init; }

    /// <summary>Selective projection decay after the optimizer's own step, or null.</summary>
    public SelectiveProjectionOptions? Projection { get; init; }

    internal virtual AnchorOptions? AnchorChoice => Projection?.Anchors;

    internal static double NonNegative(double value, string name) => value >= 0 && double.IsFinite(value)
        ? value
        : throw new ArgumentException($"{name} is {value}; it must be a finite number of at least 0.");

    internal static double Fraction(double value, string name) => value is >= 0 and < 1
        ? value
        : throw new ArgumentException($"{name} is {value}; it must be at least 0 and below 1.");
}
