using Engine.Models;
using Engine.Optim;
using Engine.Training;

namespace Engine.Cli;

/// <summary>What the demo leaves behind: models, trace, pictures.</summary>
sealed class DemoFolder
{
    readonly OutputFolder folder;
    readonly DomainExperimentOptions options;
    readonly List<(string File, string What)> files = [];
    readonly List<ExperimentRun> runs = [];
    RunHistory history = new();
    TraceTable? trace;

    public DemoFolder(OutputFolder folder, DomainExperimentOptions options)
    {
        (this.folder, this.options) = (folder, options);
        string samples = folder["samples.png"];
        PngWriter.Save(DrawnDomains.ContactSheet(options.DataSeed, zoom: 3), samples);
        files.Add((samples, "ten classes in five domains: a row a domain"));
    }

    /// <summary>What the trace warns of.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Keeps the losses of all phases, and passes reports on.</summary>
    public RunHistory History(IProgress<TrainingProgress> next) => history = new(next);

    /// <summary>Saves a model of the first seed, and of Adam-SPD the trace.</summary>
    public void Add(DomainExperiment experiment, DomainOutcome outcome, Optimizer? optimizer)
    {
        bool first = outcome.Method is null || outcome.Seed == options.Seeds[0];
        if (optimizer is AdamSpd spd) Warnings.AddRange(spd.Projection.Trace.Warnings.Except(Warnings));
        runs.Add(Result(outcome, optimizer));
        if (!first) return;
        string name = (outcome.Method ?? "pre-trained").ToLowerInvariant(), model = folder[name];
        ModelFolder.Save(experiment.Model, model, ClassifierFiles.Of(DrawnDomains.Shapes, experiment.Preprocessing));
        files.Add((model, $"the {outcome.Method ?? "pre-trained"} model{(outcome.Method is null ? "" : $", seed {outcome.Seed}")}: config.json, model.safetensors"));
        if (optimizer is not AdamSpd { Projection.Trace: var recorded }) return;
        trace = new(recorded);
        string arrow = folder[TraceArrow.FileName];
        TraceArrow.Save(arrow, trace);
        files.Add((arrow, "Adam-SPD, every step and layer: condition c, ratio r, deviation, projected or not (Apache Arrow)"));
    }

    ExperimentRun Result(DomainOutcome outcome, Optimizer? optimizer) => new()
    {
        Method = outcome.Method ?? "pre-trained",
        Knob = optimizer is AdamSpd ? "lambda" : null,
        Value = optimizer is AdamSpd spd ? spd.Projection.Lambda : null,
        Seed = outcome.Method is null ? null : outcome.Seed,
        Accuracy = DrawnDomains.All.ToDictionary(Word, domain => outcome.Accuracy[(int)domain]),
        Deviation = outcome.Deviation,
        Projected = optimizer is AdamSpd { Projection.Trace: var rows } ? rows.Count(row => row.Projected) / (double)Math.Max(rows.Count, 1) : null,
        Seconds = outcome.Elapsed.TotalSeconds,
    };

    static string Word(DrawnDomain domain) => domain.ToString().ToLowerInvariant();

    /// <summary>Draws the results.</summary>
    /// <returns>All files, with what they are.</returns>
    public IReadOnlyList<(string File, string What)> Finish(IReadOnlyList<DomainOutcome> outcomes)
    {
        string picture = folder["accuracy.png"];
        AccuracyPoint[] points = [.. outcomes.Select(outcome => new AccuracyPoint(
            outcome.Method ?? "pre-trained", outcome.Deviation, outcome.InDistribution(options.Domain), outcome.OutOfDistribution(options.Domain)))];
        AccuracyPlot.Save(picture, $"Fine-tuned on {options.Domain.ToString().ToLowerInvariant()}", points[1..], points[0]);
        files.Add((picture, "accuracy against deviation from the pre-trained weights"));
        Report();
        return files;
    }

    void Report()
    {
        ExperimentResults results = new()
        {
            About = "A small vision transformer, pre-trained on shapes drawn in five visual domains, then fine-tuned on one of them by each method from the same weights and batches.",
            Domain = Word(options.Domain),
            Others = [.. DrawnDomains.All.Where(domain => domain != options.Domain).Select(Word)],
            Pretrained = runs[0],
            Runs = runs[1..],
        };
        RunRecord record = new() { About = results.About, Curves = history.Curves(), Settings = [.. Settings()], Trace = trace is null ? null : TraceArrow.FileName };
        (string json, string run, string page) = (folder[ExperimentResults.FileName], folder[RunRecord.FileName], folder[ReportPage.FileName]);
        results.Save(json);
        record.Save(run);
        ReportPage.Save(page, $"Fine-tuned on {results.Domain}", [new("demo", record, trace)], results);
        files.Add((json, "accuracy in every domain, deviation, share of projections"));
        files.Add((run, "settings and losses"));
        files.Add((page, "all of it in pictures: open it in a browser"));
    }

    IEnumerable<string[]> Settings()
    {
        yield return ["model", $"vision transformer, {options.Model.Depth} blocks of width {options.Model.Width}, {options.Model.Heads} heads, patches of {options.Model.PatchSize} in {options.Model.ImageSize} pixels"];
        yield return ["images", $"{options.PretrainingImages} a domain for pre-training, {options.FineTuningImages} for fine-tuning, {options.TestImages} a domain for tests"];
        yield return ["batch size", FormattableString.Invariant($"{options.BatchSize}")];
        foreach (FineTuningMethod method in options.Methods)
        {
            yield return [method.Name, FormattableString.Invariant(
                $"learning rate {method.Training.LearningRate}, {method.Training.Epochs} epochs, {method.Training.Schedule.ToString().ToLowerInvariant()}, {(method.Training.Optimizer == OptimizerKind.AdamSpd ? $"lambda {method.Training.Lambda}" : $"weight decay {method.Training.WeightDecay}")}")];
        }
    }
}
