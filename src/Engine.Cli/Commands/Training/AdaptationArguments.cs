using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options that say which parameters are trained, and what is done before: adapters, a linear probe.</summary>
sealed class AdaptationArguments
{
    readonly Option<string> trainable = new("--trainable") { Description = "all; head, a linear probe; or bias, BitFit: the biases and a classifier's head.", DefaultValueFactory = _ => "all" };
    readonly Option<string[]> freeze = new("--freeze") { Description = "Parameters not to train, by name; * and ? match: --freeze 'blocks.0.*'.", AllowMultipleArgumentsPerToken = true };
    readonly Option<bool> cached = new("--cache-features") { Description = "Images, with --trainable head: compute what the frozen model sees of each image once, without augmentation, and train the head on that." };
    readonly Option<int?> probeEpochs = new("--lp-ft") { Description = "Images: first train the head alone for so many epochs on cached features, then everything from there." };
    readonly Option<double> probeRate = new("--lp-lr") { Description = "Learning rate of that first phase.", DefaultValueFactory = _ => 1e-2 };
    readonly PeftArguments peft = new();

    enum Part
    {
        All,
        Head,
        Bias,
    }

    public IReadOnlyList<Option> Options => [trainable, freeze, cached, probeEpochs, probeRate, .. peft.Options];

    /// <summary>True if no matrix of a model without a head of its own is trained, so that its 16-bit weights may stay where they are.</summary>
    public bool KeepsMatrices(ParseResult parsed) => peft.IsGiven(parsed) || Chosen(parsed) == Part.Bias;

    /// <summary>The adapter folder to start from, or null.</summary>
    public string? AdapterFolder(ParseResult parsed) => peft.Folder(parsed);

    /// <summary>Faults that show before anything is loaded.</summary>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public void Check(ParseResult parsed)
    {
        Part part = Chosen(parsed);
        peft.Check(parsed);
        if (peft.IsGiven(parsed) && part != Part.All)
            throw new UsageException($"{trainable.Name} {parsed.GetValue(trainable)} and {peft.NameOf(parsed)} both say what is trained; leave one out.");
        if (parsed.GetValue(probeEpochs) is < 1) throw new UsageException($"{probeEpochs.Name} is {parsed.GetValue(probeEpochs)}; it must be 1 or more.");
        if (parsed.GetValue(probeEpochs) is not null && part != Part.All)
            throw new UsageException($"{probeEpochs.Name} trains the head first and then everything; it does nothing with {trainable.Name} {parsed.GetValue(trainable)}.");
        if (parsed.IsGiven(probeRate) && parsed.GetValue(probeEpochs) is null) throw new UsageException($"{probeRate.Name} does nothing without {probeEpochs.Name}.");
        if (!(parsed.GetValue(probeRate) > 0)) throw new UsageException(FormattableString.Invariant($"{probeRate.Name} is {parsed.GetValue(probeRate)}; it must be above 0."));
        if (!parsed.GetValue(cached)) return;
        if (part != Part.Head) throw new UsageException($"{cached.Name} is for {trainable.Name} head: everything else changes what the model sees.");
        if (parsed.IsGiven(ImageArguments.Augment) && parsed.GetValue(ImageArguments.Augment) != "none")
            throw new UsageException($"{cached.Name} sees each image once, without augmentation; leave {ImageArguments.Augment.Name} out.");
    }

    /// <summary>Chooses the parameters of a model that is loaded; the trainer's options say it from then on.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="run">The model and its data.</param>
    /// <param name="options">How it is trained.</param>
    /// <param name="folder">Where the model came from; adapters record it.</param>
    /// <param name="resume">Whether a run goes on, whose first phase is done.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    /// <returns>What is trained and saved now, and how.</returns>
    /// <exception cref="UsageException">A pattern fits no parameter, or nothing is left to train; the message names the option.</exception>
    public (PreparedRun Run, TrainingOptions Options) Apply(
        ParseResult parsed, PreparedRun run, TrainingOptions options, string folder, bool resume, CancellationToken cancellation)
    {
        Module model = run.Task.Model;
        Part part = Chosen(parsed);
        if (part == Part.Head && run.Head.Count == 0)
            throw new UsageException($"{trainable.Name} head: a {model.GetType().Name} has no head of its own.");
        if (peft.IsGiven(parsed)) (run, options) = Adapt(parsed, run, options, folder);
        options = options with
        {
            TrainOnly = part switch { Part.Head => run.Head, Part.Bias => ["*.bias", .. run.Head], _ => [] },
            Freeze = parsed.GetValue(freeze) ?? [],
        };
        Choose(trainable, model, options with { Freeze = [] });
        Choose(freeze, model, options);
        if (!model.IsTrainable) throw new UsageException($"{freeze.Name}: every parameter is frozen; leave some to train.");
        if (parsed.GetValue(cached)) run = run with { Task = Cache(run, cancellation) };
        return parsed.GetValue(probeEpochs) is { } epochs ? (run, Probe(parsed, run, options, epochs, resume, cancellation)) : (run, options);
    }

    (PreparedRun Run, TrainingOptions Options) Adapt(ParseResult parsed, PreparedRun run, TrainingOptions options, string folder)
    {
        AdapterSet adapters = peft.Attach(parsed, run.Task.Model, run.Head);
        Console.WriteLine($"{adapters.Adapters.Count} layers with adapters; {adapters.ParameterCount:N0} parameters are trained{(run.Head.Count > 0 ? ", the head among them" : "")}");
        return (
            run with { Save = (target, companions) => adapters.Save(target, Path.GetFullPath(folder), companions) },
            options with { Adaptation = PeftArguments.Describe(adapters) });
    }

    LinearProbeTask Cache(PreparedRun run, CancellationToken cancellation)
    {
        ImageClassificationTask task = Images(run, cached);
        int batch = task.Training.Options.BatchSize;
        FeatureSet Features(BatchLoader images, IProgress<TrainingProgress> progress) => FeatureSet.Of(task.Model, images.Dataset, images.Preprocessing, images.Options.BatchSize, progress, cancellation);
        return ProgressDisplay.Run(progress => new LinearProbeTask(
            task.Model, Features(task.Training, progress), task.Validation is null ? null : Features(task.Validation, progress), batch, task.Training.Options.Seed));
    }

    TrainingOptions Probe(ParseResult parsed, PreparedRun run, TrainingOptions options, int epochs, bool resume, CancellationToken cancellation)
    {
        TrainingOptions first = options with { Optimizer = OptimizerKind.Adam, LearningRate = parsed.GetValue(probeRate), WeightDecay = 0, Epochs = epochs, Accumulation = 1 };
        LpFt phases = new(Images(run, probeEpochs), first, run.Head);
        if (resume) phases.Settle();
        else if (ProgressDisplay.Run(progress => phases.Probe(progress, cancellation)) is { } measured) Console.WriteLine($"Linear probe: {measured.Summary} on the validation data; fine-tuning goes on from its head.");
        string probe = FormattableString.Invariant($"linear probe of {epochs} epochs at {first.LearningRate}");
        return options with { Adaptation = options.Adaptation == "none" ? probe : $"{options.Adaptation}; {probe}" };
    }

    static ImageClassificationTask Images(PreparedRun run, Option option) => run.Task as ImageClassificationTask
        ?? throw new UsageException($"{option.Name} is for image classifiers.");

    static void Choose(Option option, Module model, TrainingOptions options)
    {
        try
        {
            options.ChooseParameters(model);
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"{option.Name}: {exception.Message}");
        }
    }

    Part Chosen(ParseResult parsed) => parsed.Choose(trainable, ("all", Part.All), ("head", Part.Head), ("bias", Part.Bias));
}
