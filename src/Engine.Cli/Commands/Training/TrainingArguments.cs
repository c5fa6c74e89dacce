using System.CommandLine;
using System.CommandLine.Parsing;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options that finetune and pretrain share.</summary>
sealed class TrainingArguments
{
    readonly Option<string> data = new("--data") { Description = "Training data, in the form said above.", Required = true };
    readonly Option<string?> validation = new("--val") { Description = "Validation data of the same form; without it a tenth of the training data is held out." };
    readonly Option<string> target = new("--out") { Description = "The folder for the best and the last weights.", Required = true };
    readonly Option<string> optimizer = new("--optimizer") { Description = "sgd, adam, adamw or adam-spd." };
    readonly Option<double> learningRate = new("--lr") { Description = "Learning rate after warm-up." };
    readonly Option<double> weightDecay = new("--weight-decay") { Description = "Weight decay of sgd, adam and adamw; biases and norms have none.", DefaultValueFactory = _ => 0 };
    readonly Option<double> lambda = new("--lambda") { Description = "Adam-SPD's strength; 1 keeps a selected layer at the deviation it had.", DefaultValueFactory = _ => 1 };
    readonly Option<int> epochs = new("--epochs") { Description = "Passes over the training data." };
    readonly Option<int> batch = new("--batch") { Description = "Images or texts a batch.", DefaultValueFactory = _ => 32 };
    readonly Option<int> accumulate = new("--accumulate") { Description = "Batches a step, their gradients averaged.", DefaultValueFactory = _ => 1 };
    readonly Option<bool> recompute = new("--recompute") { Description = "Keep less in memory and compute each block once more in backward; the result is the same." };
    readonly Option<ulong> seed = new("--seed") { Description = "Decides order, augmentation, dropout and a new head.", DefaultValueFactory = _ => 1 };
    readonly Option<double> warmUp = new("--warmup") { Description = "Steps of warm-up, or a share of all steps below 1.", DefaultValueFactory = _ => 0.1 };
    readonly Option<string> schedule = new("--schedule") { Description = "constant, linear, cosine or step.", DefaultValueFactory = _ => "cosine" };
    readonly Option<double?> clip = new("--clip") { Description = "Largest global norm of the gradient." };
    readonly Option<float> labelSmoothing = new("--label-smoothing") { Description = "Share of a label spread over all classes.", DefaultValueFactory = _ => 0f };
    readonly Option<string[]> anchorExclude = new("--anchor-exclude") { Description = "Parameters that Adam-SPD leaves free, by name.", AllowMultipleArgumentsPerToken = true };
    readonly Option<bool> resume = new("--resume") { Description = "Go on with the run in --out, where it stopped, with the same options." };
    readonly Option<string?> trace = new("--trace")
    {
        Description = "Write Adam-SPD's trace, every step and layer, in --out: trace.arrow (Apache Arrow), or the file named; .csv for text.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "FILE",
    };

    readonly Option<int[]> explainSteps = new("--explain-steps")
    {
        Description = "Save all that these steps of the optimizer are made of, for engine explain: 10,20. Each takes six times the trained weights.",
        CustomParser = Steps,
        HelpName = "N,N",
    };

    public TrainingArguments(string defaultOptimizer, double defaultRate, int defaultEpochs)
    {
        optimizer.DefaultValueFactory = _ => defaultOptimizer;
        learningRate.DefaultValueFactory = _ => defaultRate;
        epochs.DefaultValueFactory = _ => defaultEpochs;
    }

    /// <summary>What is read and written.</summary>
    public IReadOnlyList<Option> Files => [data, validation, target, resume, trace, explainSteps];

    /// <summary>How it is trained.</summary>
    public IReadOnlyList<Option> Recipe =>
        [optimizer, learningRate, weightDecay, lambda, anchorExclude, epochs, batch, accumulate, Machine.Precision, recompute, warmUp, schedule, clip, labelSmoothing, seed];

    public string Data(ParseResult parsed) => parsed.GetValue(data)!;

    public string? Validation(ParseResult parsed) => parsed.GetValue(validation);

    public int Batch(ParseResult parsed) => parsed.GetValue(batch);

    public string Target(ParseResult parsed) => parsed.GetValue(target)!;

    public bool Resume(ParseResult parsed) => parsed.GetValue(resume);

    /// <summary>The file for the trace; null if none was asked for. A bare name is a file of the run's folder.</summary>
    public string? Trace(ParseResult parsed)
    {
        if (!parsed.IsGiven(trace)) return null;
        string name = parsed.GetValue(trace) ?? TraceArrow.FileName;
        return Path.GetFileName(name) == name ? Path.Combine(Target(parsed), name) : name;
    }

    /// <summary>The steps that are saved whole.</summary>
    public IReadOnlyList<int> ExplainSteps(ParseResult parsed) => parsed.GetValue(explainSteps) ?? [];

    public ulong Seed(ParseResult parsed) => parsed.GetValue(seed);

    /// <summary>How training data are walked through: shuffled, in whole batches, of which there is one at least.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="count">Images there are.</param>
    public TOptions Loading<TOptions>(ParseResult parsed, int count) where TOptions : LoaderOptions, new() => new()
    {
        BatchSize = Math.Min(Batch(parsed), count),
        Shuffle = true,
        DropLast = true,
        Seed = Seed(parsed),
    };

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
            Accumulation = parsed.GetValue(accumulate),
            Precision = Machine.PrecisionOf(parsed),
            Recompute = parsed.GetValue(recompute),
            Seed = parsed.GetValue(seed),
            WarmUp = parsed.GetValue(warmUp),
            Schedule = parsed.Choose(schedule, ("constant", ScheduleKind.Constant), ("linear", ScheduleKind.Linear), ("cosine", ScheduleKind.Cosine), ("step", ScheduleKind.Step)),
            Clip = parsed.GetValue(clip),
            LabelSmoothing = parsed.GetValue(labelSmoothing),
            AnchorExclude = parsed.GetValue(anchorExclude) ?? [],
            KeepTrace = Trace(parsed) is { } file && TraceTable.IsCsv(file),
        };
        if (parsed.GetValue(batch) < 1) throw new UsageException($"--batch is {parsed.GetValue(batch)}; it must be 1 or more.");
        if (options.Fault() is { } fault) throw new UsageException($"{NameOf(fault.Option)} {fault.Problem}");
        bool projects = options.Optimizer == OptimizerKind.AdamSpd;
        Refuse(parsed, projects ? [weightDecay] : [lambda, anchorExclude, trace, explainSteps], projects
            ? "adam-spd, which pulls toward the pre-trained weights with --lambda" : $"{parsed.GetValue(optimizer)}; it is adam-spd's");
        return options;
    }

    /// <summary>The trainer of a run.</summary>
    /// <exception cref="UsageException">A pattern fits no parameter.</exception>
    public Trainer Trainer(TrainingTask task, TrainingOptions options)
    {
        try
        {
            return new(task, options);
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"{anchorExclude.Name}: {exception.Message}");
        }
    }

    static int[] Steps(ArgumentResult argument)
    {
        List<int> steps = [];
        foreach (string word in argument.Tokens.SelectMany(token => token.Value.Split(',')))
            if (int.TryParse(word, out int step) && step >= 1) steps.Add(step);
            else argument.AddError($"--explain-steps: '{word}' is no step; name whole numbers of 1 or more, as in 10,20");
        return [.. steps];
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
        nameof(TrainingOptions.Accumulation) => accumulate.Name,
        nameof(TrainingOptions.Precision) => Machine.Precision.Name,
        nameof(TrainingOptions.Epochs) => epochs.Name,
        nameof(TrainingOptions.WarmUp) => warmUp.Name,
        nameof(TrainingOptions.Clip) => clip.Name,
        nameof(TrainingOptions.LabelSmoothing) => labelSmoothing.Name,
        _ => optimizer.Name,
    };
}
