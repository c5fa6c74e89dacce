using System.CommandLine;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options that finetune and pretrain share.</summary>
sealed class TrainingArguments
{
    readonly Option<string> data = new("--data") { Description = "Training images: a folder with one folder a class.", Required = true };
    readonly Option<string?> validation = new("--val") { Description = "Validation images of the same form; without it a tenth of the training images is held out." };
    readonly Option<string> target = new("--out") { Description = "The folder for the best and the last weights.", Required = true };
    readonly Option<string> optimizer = new("--optimizer") { Description = "sgd, adam, adamw or adam-spd." };
    readonly Option<double> learningRate = new("--lr") { Description = "Learning rate after warm-up." };
    readonly Option<double> weightDecay = new("--weight-decay") { Description = "Weight decay of sgd, adam and adamw; biases and norms have none.", DefaultValueFactory = _ => 0 };
    readonly Option<double> lambda = new("--lambda") { Description = "Adam-SPD's strength; 1 keeps a selected layer at the deviation it had.", DefaultValueFactory = _ => 1 };
    readonly Option<int> epochs = new("--epochs") { Description = "Passes over the training images." };
    readonly Option<int> batch = new("--batch") { Description = "Images a step.", DefaultValueFactory = _ => 32 };
    readonly Option<ulong> seed = new("--seed") { Description = "Decides order, augmentation and a new head.", DefaultValueFactory = _ => 1 };
    readonly Option<double> warmUp = new("--warmup") { Description = "Steps of warm-up, or a share of all steps below 1.", DefaultValueFactory = _ => 0.1 };
    readonly Option<string> schedule = new("--schedule") { Description = "constant, linear, cosine or step.", DefaultValueFactory = _ => "cosine" };
    readonly Option<double?> clip = new("--clip") { Description = "Largest global norm of the gradient." };
    readonly Option<float> labelSmoothing = new("--label-smoothing") { Description = "Share of a label spread over all classes.", DefaultValueFactory = _ => 0f };
    readonly Option<string[]> freeze = new("--freeze") { Description = "Parameters not to train, by name; * and ? match: --freeze 'blocks.0.*'.", AllowMultipleArgumentsPerToken = true };
    readonly Option<string[]> anchorExclude = new("--anchor-exclude") { Description = "Parameters that Adam-SPD leaves free, by name.", AllowMultipleArgumentsPerToken = true };
    readonly Option<string> augment = new("--augment") { Description = "none, flip, small (padded crop and flip) or imagenet (random resized crop and flip).", DefaultValueFactory = _ => "flip" };
    readonly Option<bool> resume = new("--resume") { Description = "Go on with the run in --out, where it stopped, with the same options." };
    readonly Option<bool> trace = new("--trace") { Description = "Write Adam-SPD's trace, every step and layer, as trace.csv." };

    public TrainingArguments(string defaultOptimizer, double defaultRate, int defaultEpochs)
    {
        optimizer.DefaultValueFactory = _ => defaultOptimizer;
        learningRate.DefaultValueFactory = _ => defaultRate;
        epochs.DefaultValueFactory = _ => defaultEpochs;
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[data, validation, target, optimizer, learningRate, weightDecay, lambda, epochs, batch, seed, warmUp,
            schedule, clip, labelSmoothing, freeze, anchorExclude, augment, trace, resume, Machine.Device, Machine.Threads])
            command.Options.Add(option);
    }

    public string Target(ParseResult parsed) => parsed.GetValue(target)!;

    public bool Resume(ParseResult parsed) => parsed.GetValue(resume);

    public bool Trace(ParseResult parsed) => parsed.GetValue(trace);

    public ulong Seed(ParseResult parsed) => parsed.GetValue(seed);

    /// <summary>The options as the library takes them.</summary>
    /// <exception cref="UsageException">A value makes no sense; the message names the option.</exception>
    public TrainingOptions Options(ParseResult parsed)
    {
        TrainingOptions options = new()
        {
            Optimizer = parsed.Choose(optimizer, ("sgd", OptimizerKind.Sgd), ("adam", OptimizerKind.Adam), ("adamw", OptimizerKind.AdamW), ("adam-spd", OptimizerKind.AdamSpd)),
            LearningRate = parsed.GetValue(learningRate),
            WeightDecay = parsed.GetValue(weightDecay),
            Lambda = parsed.GetValue(lambda),
            Epochs = parsed.GetValue(epochs),
            Seed = parsed.GetValue(seed),
            WarmUp = parsed.GetValue(warmUp),
            Schedule = parsed.Choose(schedule, ("constant", ScheduleKind.Constant), ("linear", ScheduleKind.Linear), ("cosine", ScheduleKind.Cosine), ("step", ScheduleKind.Step)),
            Clip = parsed.GetValue(clip),
            LabelSmoothing = parsed.GetValue(labelSmoothing),
            Freeze = parsed.GetValue(freeze) ?? [],
            AnchorExclude = parsed.GetValue(anchorExclude) ?? [],
            KeepTrace = parsed.GetValue(trace),
        };
        if (parsed.GetValue(batch) < 1) throw new UsageException($"--batch is {parsed.GetValue(batch)}; it must be 1 or more.");
        if (options.Fault() is { } fault) throw new UsageException($"{NameOf(fault.Option)} {fault.Problem}");
        bool projects = options.Optimizer == OptimizerKind.AdamSpd;
        Refuse(parsed, projects ? [weightDecay] : [lambda, anchorExclude, trace], projects
            ? "adam-spd, which pulls toward the pre-trained weights with --lambda" : $"{parsed.GetValue(optimizer)}; it is adam-spd's");
        return options;
    }

    /// <summary>The trainer of a model.</summary>
    /// <exception cref="UsageException">A pattern fits no parameter, or nothing is left to train; the message names the option.</exception>
    public Trainer Trainer(TrainingTask task, TrainingOptions options)
    {
        try
        {
            task.Model.Freeze([.. options.Freeze]);
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"{freeze.Name}: {exception.Message}");
        }

        if (!task.Model.IsTrainable) throw new UsageException($"{freeze.Name}: every parameter is frozen; leave some to train.");
        try
        {
            return new(task, options);
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"{anchorExclude.Name}: {exception.Message}");
        }
    }

    // An option that would do nothing is a misunderstanding; better said now than found out after the run.
    static void Refuse(ParseResult parsed, ReadOnlySpan<Option> idle, string optimizer)
    {
        foreach (Option option in idle)
            if (parsed.IsGiven(option)) throw new UsageException($"{option.Name} does nothing with --optimizer {optimizer}.");
    }

    string NameOf(string property) => property switch
    {
        nameof(TrainingOptions.LearningRate) => learningRate.Name,
        nameof(TrainingOptions.WeightDecay) => weightDecay.Name,
        nameof(TrainingOptions.Lambda) => lambda.Name,
        nameof(TrainingOptions.Epochs) => epochs.Name,
        nameof(TrainingOptions.WarmUp) => warmUp.Name,
        nameof(TrainingOptions.Clip) => clip.Name,
        nameof(TrainingOptions.LabelSmoothing) => labelSmoothing.Name,
        _ => optimizer.Name,
    };

    /// <summary>Training and validation images.</summary>
    public (IImageDataset Training, IImageDataset Validation) Datasets(ParseResult parsed)
    {
        ImageFolder training = new(parsed.GetValue(data)!);
        if (training.ClassNames.Count < 2)
            throw new DatasetException(training.Folder, $"one class folder ({training.ClassNames[0]}); a classifier needs two or more");
        if (parsed.GetValue(validation) is { } folder)
            return (new CachedDataset(training), new CachedDataset(new ImageFolder(folder, training.ClassNames)));
        (DatasetSubset kept, DatasetSubset heldOut) = DatasetSubset.Split(training, 0.1, parsed.GetValue(seed));
        if (heldOut.Count == 0)
            throw new DatasetException(training.Folder, $"one image a class; none can be held out, so name validation images with {validation.Name}");
        return (new CachedDataset(kept), new CachedDataset(heldOut));
    }

    /// <summary>Batches for training, shuffled and augmented.</summary>
    public BatchLoader Loader(ParseResult parsed, IImageDataset images, Preprocessing preprocessing) => new(images, preprocessing, new BatchLoaderOptions
    {
        BatchSize = Math.Min(parsed.GetValue(batch), images.Count),
        Shuffle = true,
        DropLast = true,
        Seed = parsed.GetValue(seed),
        Augmentation = parsed.Choose<Augmentation>(augment,
            ("none", Augmentation.None), ("flip", new Augmentation { FlipProbability = 0.5f }), ("small", Augmentation.Small(preprocessing.Size)), ("imagenet", Augmentation.ImageNet)),
    });

    /// <summary>Batches for measuring.</summary>
    public BatchLoader ValidationLoader(ParseResult parsed, IImageDataset images, Preprocessing preprocessing) =>
        new(images, preprocessing, new BatchLoaderOptions { BatchSize = Math.Max(parsed.GetValue(batch), 32) });
}
