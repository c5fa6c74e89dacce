namespace Engine.Training;

/// <summary>What the methods of a <see cref="MethodComparison"/> are tried on: a model with its first weights, batches, and domains to measure on.</summary>
public abstract class ComparisonSubject
{
    /// <summary>The domains measured: first the one that is trained on.</summary>
    public abstract IReadOnlyList<string> Domains { get; }

    /// <summary>What the score is called: <c>accuracy</c>.</summary>
    public abstract string ScoreName { get; }

    /// <summary>Model, data and recipe as names and texts: results belong together only if all are equal.</summary>
    public abstract IReadOnlyDictionary<string, string> Description { get; }

    /// <summary>The model with its first weights, and its batches: the same for every method, a function of the seed alone.</summary>
    /// <param name="seed">Decides order, augmentation and a new head.</param>
    public abstract TrainingTask Begin(ulong seed);

    /// <summary>Measures the task's model on the test data of a domain.</summary>
    /// <param name="task">What <see cref="Begin"/> gave, trained or not.</param>
    /// <param name="domain">The place in <see cref="Domains"/>.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public abstract Measurement Measure(TrainingTask task, int domain, CancellationToken cancellation);
}
