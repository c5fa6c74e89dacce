using System.Diagnostics;
using Engine.Models;
using Engine.Optim;

namespace Engine.Training;

/// <summary>
/// Several methods from the same weights over the same batches, measured on the same domains. Epoch and knob are chosen on
/// validation data of the domain that is trained on; the other domains choose nothing.
/// </summary>
/// <param name="subject">Model, batches, domains.</param>
/// <param name="options">Methods, seeds, recipe.</param>
/// <example><code>
/// MethodComparison comparison = new(subject, options);
/// comparison.Finished += outcome => Console.WriteLine($"{outcome.Method}: {outcome.OutOfDistribution:P1}");
/// comparison.Run(ComparisonFolder.Open("compared", subject, options));
/// </code></example>
public sealed class MethodComparison(ComparisonSubject subject, ComparisonOptions options)
{
    /// <summary>What the weights that all methods begin with are called in results.</summary>
    public const string Initial = "initial";

    /// <summary>Called when a model has been measured.</summary>
    public event Action<ComparisonOutcome>? Finished;

    /// <summary>All trainings, one seed after the other, so that a comparison cut short has whole seeds.</summary>
    public IReadOnlyList<ComparedTraining> Plan { get; } = [.. options.Seeds.SelectMany(seed => Trainings(options, seed))];

    /// <summary>Does what the folder does not have yet.</summary>
    /// <param name="folder">Where outcomes are kept, each as soon as it is there.</param>
    /// <param name="progress">Hears what happens.</param>
    /// <param name="cancellation">Stops; finished trainings stay.</param>
    public void Run(ComparisonFolder folder, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        while (RunNext(folder, progress, cancellation)) { }
    }

    /// <summary>Does the first thing that the folder does not have yet: measures the initial weights, or trains once and measures what comes of it.</summary>
    /// <param name="folder">Where outcomes are kept.</param>
    /// <param name="progress">Hears what happens.</param>
    /// <param name="cancellation">Stops; nothing of this training is kept then.</param>
    /// <returns>False if nothing was left to do.</returns>
    public bool RunNext(ComparisonFolder folder, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        foreach (ulong seed in options.Seeds)
        {
            if (folder.Holds(Initial, 0, seed)) continue;
            Keep(folder, MeasureInitial(seed, cancellation));
            return true;
        }

        if (Next(folder) is not { } next) return false;
        foreach (ComparisonOutcome outcome in Train(next, progress, cancellation)) Keep(folder, outcome);
        return true;
    }

    /// <summary>The first training of which the folder lacks something; null if there is none.</summary>
    public ComparedTraining? Next(ComparisonFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return Plan.FirstOrDefault(training => !training.Outcomes.All(outcome => folder.Holds(outcome.Method, outcome.Value, outcome.Seed)));
    }

    void Keep(ComparisonFolder folder, ComparisonOutcome outcome)
    {
        folder.Add(outcome);
        Finished?.Invoke(outcome);
    }

    ComparisonOutcome MeasureInitial(ulong seed, CancellationToken cancellation) =>
        Measure(subject.Begin(seed), new(Initial, 0, seed, 0, [], []) { Deviation = 0 }, cancellation);

    IEnumerable<ComparisonOutcome> Train(ComparedTraining training, IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        TrainingTask task = subject.Begin(training.Seed);
        Module model = task.Model;
        WeightSnapshot initial = new(model);
        WiseFt between = new(model.Parameters);
        model.Device.Backend.ResetPeakMemory();
        Stopwatch clock = Stopwatch.StartNew();
        ComparedRun run = new(task, training.Method.Train(options.Training with { Seed = training.Seed }, training.Value)) { Progress = progress, Cancellation = cancellation };
        if (training.Method.Prepare is { } prepare) run = prepare(run);
        Trainer trainer = new(task, run.Options);
        WeightSnapshot? best = null;
        List<double> validation = [];
        trainer.EpochFinished += (_, measured) =>
        {
            validation.Add(measured?.Score ?? double.NaN);
            if (trainer.BestEpoch == trainer.Epoch) best = new(model, trainableOnly: true);
        };
        trainer.Fit(progress, cancellation, training.Label);
        best?.Restore(model);
        ComparisonOutcome trained = Describe(training, trainer, validation) with { Seconds = clock.Elapsed.TotalSeconds, PeakBytes = model.Device.Backend.Memory.Peak };
        if (run.Adapters is { CanMerge: true } adapters) adapters.Merge();
        bool comparable = run.Adapters is not { CanMerge: false };
        if (training.Reported) yield return Measure(task, trained with { Deviation = comparable ? initial.DistanceTo(model) : null }, cancellation);
        if (training.Mixtures.Count == 0) yield break;
        between.TakeTuned();
        foreach (var (method, values) in training.Mixtures)
            foreach (double value in values)
            {
                between.Mix(value);
                yield return Measure(task, trained with { Method = method.Name, Value = value, Deviation = initial.DistanceTo(model), ValidationScores = [] }, cancellation);
            }
    }

    static ComparisonOutcome Describe(ComparedTraining training, Trainer trainer, IReadOnlyList<double> validation)
    {
        ComparisonOutcome outcome = new(training.Method.Name, training.Value, training.Seed, 0, [], [])
        {
            Epoch = trainer.BestEpoch,
            Trained = trainer.Arena.Segments.Sum(segment => segment.Parameter.Value.ElementCount),
            ValidationScores = validation,
        };
        outcome = outcome with { Warnings = [.. trainer.Optimizer.Warnings().Select(warning => warning.Message)] };
        if (trainer.Optimizer.Projection?.Trace is not { } trace) return outcome;
        return outcome with
        {
            Projected = trace.Average(row => row.Projected ? 1.0 : 0),
            ProjectedByLayer = trace.GroupBy(row => row.Segment).ToDictionary(layer => layer.Key, layer => layer.Average(row => row.Projected ? 1.0 : 0)),
        };
    }

    ComparisonOutcome Measure(TrainingTask task, ComparisonOutcome outcome, CancellationToken cancellation)
    {
        double validation = task.Validate(cancellation)?.Score ?? double.NaN;
        Measurement[] measured = [.. subject.Domains.Select((_, domain) => subject.Measure(task, domain, cancellation))];
        return outcome with { Validation = validation, Scores = [.. measured.Select(domain => domain.Score)], Losses = [.. measured.Select(domain => domain.Loss)] };
    }

    static IEnumerable<ComparedTraining> Trainings(ComparisonOptions options, ulong seed)
    {
        var mixing = options.Methods.Where(asked => asked.Method.Mixes is not null).GroupBy(asked => asked.Method.Mixes!).ToDictionary(group => group.Key, group => group.ToArray());
        foreach (var (method, values) in options.Methods.Where(asked => asked.Method.Mixes is null))
            foreach (double value in values.DefaultIfEmpty(0))
                yield return new(method, value, seed, mixing.GetValueOrDefault(method.Name, []), Reported: true);
        foreach (var (name, mixtures) in mixing)
            if (!options.Methods.Any(asked => asked.Method.Name == name))
                yield return new(ComparedMethods.Find(name)!, 0, seed, mixtures, Reported: false);
    }
}
