using System.Globalization;

namespace Engine.Training;

/// <summary>Says in a sentence or two what an experiment's numbers show, whichever way they fall.</summary>
public static class DomainFindings
{
    // Half a point is less than what another seed moves.
    const double Noticeable = 0.005;

    /// <summary>Compares the last method with the first, by their means over the seeds.</summary>
    /// <param name="domain">The domain that was fine-tuned on.</param>
    /// <param name="outcomes">As <see cref="DomainExperiment.Run"/> returns them.</param>
    public static string Describe(DrawnDomain domain, IReadOnlyList<DomainOutcome> outcomes)
    {
        ArgumentNullException.ThrowIfNull(outcomes);
        DomainOutcome pretrained = outcomes.First(outcome => outcome.Method is null);
        IGrouping<string, DomainOutcome>[] methods = [.. outcomes.Where(outcome => outcome.Method is not null).GroupBy(outcome => outcome.Method!)];
        if (methods.Length < 2) return "Only one method ran; there is nothing to compare.";
        (Means first, Means last) = (new(domain, methods[0]), new(domain, methods[^1]));
        double before = pretrained.OutOfDistribution(domain);
        return string.Create(CultureInfo.InvariantCulture,
            $"Fine-tuned on {domain.ToString().ToLowerInvariant()}, {methods[0].Key} {Change(first.Out - before)} on the other domains ({100 * before:F1} -> {100 * first.Out:F1} %), " +
            $"{methods[^1].Key} {Change(last.Out - before)} ({100 * last.Out:F1} %). " +
            $"{methods[^1].Key} ends {Compared(last.Out - first.Out)} {methods[0].Key} there and {Compared(last.In - first.In)} it on {domain.ToString().ToLowerInvariant()}, " +
            $"at {100 * last.Deviation / first.Deviation:F0} % of its deviation. Means over {methods[0].Count()} seeds; the table shows how far seeds differ.");
    }

    static string Change(double difference) => difference <= -Noticeable
        ? string.Create(CultureInfo.InvariantCulture, $"loses {-100 * difference:F1} points")
        : difference >= Noticeable ? string.Create(CultureInfo.InvariantCulture, $"gains {100 * difference:F1} points") : "stays where it was";

    static string Compared(double difference) => difference <= -Noticeable
        ? string.Create(CultureInfo.InvariantCulture, $"{-100 * difference:F1} points below")
        : difference >= Noticeable ? string.Create(CultureInfo.InvariantCulture, $"{100 * difference:F1} points above") : "level with";

    sealed class Means(DrawnDomain domain, IEnumerable<DomainOutcome> outcomes)
    {
        public double In { get; } = outcomes.Average(outcome => outcome.InDistribution(domain));

        public double Out { get; } = outcomes.Average(outcome => outcome.OutOfDistribution(domain));

        public double Deviation { get; } = outcomes.Average(outcome => outcome.Deviation);
    }
}
