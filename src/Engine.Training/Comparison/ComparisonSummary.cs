namespace Engine.Training;

/// <summary>What a comparison says of one method, at the value of its knob that validation data chose.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Value">The value chosen.</param>
/// <param name="Validation">The score it was chosen by.</param>
/// <param name="Domains">The score on each domain.</param>
/// <param name="OutOfDistribution">The mean over the domains that were not trained on.</param>
/// <param name="InDifference">Score on the first domain minus the first method's, seed by seed.</param>
/// <param name="OutDifference">Mean of the other domains minus the first method's, seed by seed.</param>
/// <param name="Deviation">|W - W0|; NaN where it is not defined.</param>
/// <param name="Projected">The share of projections; NaN for other methods.</param>
/// <param name="Seconds">Training time.</param>
/// <param name="PeakBytes">Memory.</param>
public sealed record ComparisonSummary(
    string Method, double Value, SampleMean Validation, IReadOnlyList<SampleMean> Domains, SampleMean OutOfDistribution,
    SampleMean InDifference, SampleMean OutDifference, SampleMean Deviation, SampleMean Projected, SampleMean Seconds, double PeakBytes)
{
    /// <summary>One row a method, in the order in which they were found; the first but the initial weights is what differences are to.</summary>
    /// <param name="outcomes">What was measured.</param>
    public static IReadOnlyList<ComparisonSummary> Of(IReadOnlyList<ComparisonOutcome> outcomes)
    {
        ArgumentNullException.ThrowIfNull(outcomes);
        ComparisonOutcome[][] chosen = [.. outcomes.GroupBy(outcome => outcome.Method).Select(Choose)];
        ComparisonOutcome[] reference = chosen.FirstOrDefault(method => method[0].Method != MethodComparison.Initial) ?? [];
        return [.. chosen.Select(method => Summarize(method, reference))];
    }

    // The value with the best mean on the validation data, of those tried with most seeds; of equals the first.
    static ComparisonOutcome[] Choose(IEnumerable<ComparisonOutcome> method)
    {
        ComparisonOutcome[][] values = [.. method.GroupBy(outcome => outcome.Value).Select(value => value.ToArray())];
        int seeds = values.Max(value => value.Length);
        return values.Where(value => value.Length == seeds).MaxBy(value => value.Average(outcome => outcome.Validation))!;
    }

    static ComparisonSummary Summarize(ComparisonOutcome[] method, ComparisonOutcome[] reference)
    {
        SampleMean Over(Func<ComparisonOutcome, double> quantity) => SampleMean.Of(method.Select(quantity));
        SampleMean Difference(Func<ComparisonOutcome, double> quantity) => SampleMean.Of(
            method.Join(reference, outcome => outcome.Seed, other => other.Seed, (outcome, other) => quantity(outcome) - quantity(other)));
        return new(
            method[0].Method, method[0].Value, Over(outcome => outcome.Validation),
            [.. method[0].Scores.Select((_, domain) => Over(outcome => outcome.Scores[domain]))], Over(outcome => outcome.OutOfDistribution),
            Difference(outcome => outcome.InDistribution), Difference(outcome => outcome.OutOfDistribution),
            Over(outcome => outcome.Deviation ?? double.NaN), Over(outcome => outcome.Projected ?? double.NaN), Over(outcome => outcome.Seconds), method.Max(outcome => outcome.PeakBytes));
    }
}
