namespace Engine.Training;

/// <summary>Measures a model under corruptions of several severities, and without.</summary>
public static class CorruptionSuite
{
    /// <summary>Every corruption at every severity, in the order given, after the clean images.</summary>
    /// <param name="corruptions">Which.</param>
    /// <param name="severities">Which, each 1 to 5.</param>
    /// <param name="measure">Measures on images under a corruption; null is without one.</param>
    /// <param name="cancellation">Stops between two measurements.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static CorruptionResult Run(
        IReadOnlyList<Corruption> corruptions, IReadOnlyList<int> severities, Func<CorruptionCase?, Measurement> measure, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(corruptions);
        ArgumentNullException.ThrowIfNull(severities);
        ArgumentNullException.ThrowIfNull(measure);
        ArgumentOutOfRangeException.ThrowIfZero(corruptions.Count);
        ArgumentOutOfRangeException.ThrowIfZero(severities.Count);
        var clean = measure(null);
        var cells = new List<(CorruptionCase, Measurement)>();
        foreach (var corruption in corruptions)
            foreach (int severity in severities)
            {
                cancellation.ThrowIfCancellationRequested();
                var found = new CorruptionCase(corruption, severity);
                cells.Add((found, measure(found)));
            }
        return new CorruptionResult(corruptions, severities, clean, cells);
    }
}

/// <summary>A corruption at a severity of 1 to 5.</summary>
public readonly record struct CorruptionCase(Corruption Corruption, int Severity);

/// <summary>What a model reaches under corruptions.</summary>
public sealed class CorruptionResult
{
    readonly Dictionary<CorruptionCase, Measurement> cells;

    internal CorruptionResult(
        IReadOnlyList<Corruption> corruptions, IReadOnlyList<int> severities, Measurement clean, IEnumerable<(CorruptionCase Case, Measurement Result)> cells)
    {
        (Corruptions, Severities, Clean) = (corruptions, severities, clean);
        this.cells = cells.ToDictionary(cell => cell.Case, cell => cell.Result);
    }

    /// <summary>The corruptions, in order.</summary>
    public IReadOnlyList<Corruption> Corruptions { get; }

    /// <summary>The severities, in order.</summary>
    public IReadOnlyList<int> Severities { get; }

    /// <summary>Without corruption.</summary>
    public Measurement Clean { get; }

    /// <summary>A cell of the table.</summary>
    public Measurement this[Corruption corruption, int severity] => cells[new CorruptionCase(corruption, severity)];

    /// <summary>The mean score of a corruption over the severities.</summary>
    public double Mean(Corruption corruption) => Severities.Average(severity => this[corruption, severity].Score);

    /// <summary>The mean score over all corruptions and severities.</summary>
    public double MeanScore => Corruptions.Average(Mean);

    /// <summary>A score as a share of the clean one; NaN where that is 0.</summary>
    public double Relative(double score) => Clean.Score > 0 ? score / Clean.Score : double.NaN;
}
