namespace Engine.Training;

/// <summary>One fine-tuned model of a <see cref="MethodComparison"/>, measured on every domain. A file of results is a list of these.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Value">The value of its knob; 0 where it has none.</param>
/// <param name="Seed">Decides order, augmentation, dropout, a new head.</param>
/// <param name="Validation">The score on the validation data of the domain that was trained on: what a knob is chosen by.</param>
/// <param name="Scores">The score on each domain's test data, in the order of the comparison's domains.</param>
/// <param name="Losses">The mean cross-entropy on each.</param>
public sealed record ComparisonOutcome(string Method, double Value, ulong Seed, double Validation, IReadOnlyList<double> Scores, IReadOnlyList<double> Losses)
{
    /// <summary>The epoch whose weights these are: the best on the validation data; 0 for the weights all began with.</summary>
    public int Epoch { get; init; }

    /// <summary>Numbers that were trained.</summary>
    public long Trained { get; init; }

    /// <summary>|W - W0| over the model's own weights, adapters merged; null where adapters equal no weights.</summary>
    public double? Deviation { get; init; }

    /// <summary>The share of layers and steps that selective projection pulled back, 0 to 1; null for other methods.</summary>
    public double? Projected { get; init; }

    /// <summary>The same for each layer, by name, in the order of the model; empty for other methods.</summary>
    public IReadOnlyDictionary<string, double> ProjectedByLayer { get; init; } = new Dictionary<string, double>();

    /// <summary>The score on the validation data after each epoch, in order; empty for mixtures.</summary>
    public IReadOnlyList<double> ValidationScores { get; init; } = [];

    /// <summary>Seconds of training, validation included.</summary>
    public double Seconds { get; init; }

    /// <summary>The most memory that tensors held at once while it was trained, bytes.</summary>
    public long PeakBytes { get; init; }

    /// <summary>What the method says about its own run.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The score on the domain that was trained on.</summary>
    public double InDistribution => Scores[0];

    /// <summary>The mean score on the other domains; NaN without any.</summary>
    public double OutOfDistribution => Scores.Count > 1 ? Scores.Skip(1).Average() : double.NaN;
}
