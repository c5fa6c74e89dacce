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

    public DemoFolder(OutputFolder folder, DomainExperimentOptions options)
    {
        (this.folder, this.options) = (folder, options);
        string samples = folder["samples.png"];
        PngWriter.Save(DrawnDomains.ContactSheet(options.DataSeed, zoom: 3), samples);
        files.Add((samples, "ten classes in five domains: a row a domain"));
    }

    /// <summary>What the trace warns of.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Saves a model of the first seed, and of Adam-SPD the trace.</summary>
    public void Add(DomainExperiment experiment, DomainOutcome outcome, Optimizer? optimizer)
    {
        bool first = outcome.Method is null || outcome.Seed == options.Seeds[0];
        if (optimizer is AdamSpd spd) Warnings.AddRange(spd.Projection.Trace.Warnings.Except(Warnings));
        if (!first) return;
        string name = (outcome.Method ?? "pre-trained").ToLowerInvariant(), model = folder[name];
        ModelFolder.Save(experiment.Model, model, ClassifierFiles.Of(DrawnDomains.Shapes, experiment.Preprocessing));
        files.Add((model, $"the {outcome.Method ?? "pre-trained"} model{(outcome.Method is null ? "" : $", seed {outcome.Seed}")}: config.json, model.safetensors"));
        if (optimizer is not AdamSpd { Projection.Trace: var trace }) return;
        string csv = folder["trace.csv"];
        TraceCsv.Save(csv, trace);
        files.Add((csv, "Adam-SPD, every step and layer: condition c, ratio r, deviation, projected or not"));
    }

    /// <summary>Draws the results.</summary>
    /// <returns>All files, with what they are.</returns>
    public IReadOnlyList<(string File, string What)> Finish(IReadOnlyList<DomainOutcome> outcomes)
    {
        string picture = folder["accuracy.png"];
        AccuracyPoint[] points = [.. outcomes.Select(outcome => new AccuracyPoint(
            outcome.Method ?? "pre-trained", outcome.Deviation, outcome.InDistribution(options.Domain), outcome.OutOfDistribution(options.Domain)))];
        AccuracyPlot.Save(picture, $"Fine-tuned on {options.Domain.ToString().ToLowerInvariant()}", points[1..], points[0]);
        files.Add((picture, "accuracy against deviation from the pre-trained weights"));
        return files;
    }
}
