using System.CommandLine;
using System.CommandLine.Parsing;
using Engine.Optim;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options that finetune and pretrain share.</summary>
sealed class TrainingArguments
{
    readonly Option<string> data = new("--data") { Description = "Training data, in the form said above.", Required = true };
    readonly Option<string?> validation = new("--val") { Description = "Validation data of the same form; without it a tenth of the training data is held out." };
    readonly Option<string> target = new("--out") { Description = "The folder for the best and the last weights.", Required = true };
    readonly Option<string> optimizer = new("--optimizer") { Description = "sgd, adam, adamw, adam-spd, sgd-spd, adamw-spd, l2-sp, l2-sp-decoupled, mars-sp, ftp, digrap or cautious-adamw." };
    readonly Option<double> learningRate = new("--lr") { Description = "Learning rate after warm-up." };
    readonly Option<double> weightDecay = new("--weight-decay") { Description = "Weight decay, of biases and norms none; with l2-sp the pull to the pre-trained weights.", DefaultValueFactory = _ => 0 };
    readonly Option<double> lambda = new("--lambda") { Description = "SPD's strength; 1 keeps a selected layer at the deviation it had.", DefaultValueFactory = _ => 1 };
    readonly Option<bool> amsGrad = new("--amsgrad") { Description = "Adam and its kin divide by the largest second moment so far." };
    readonly Option<double?> layerDecay = new("--layer-decay") { Description = "Factor of the learning rate from a layer to the one before it (LLRD), such as 0.75." };
    readonly Option<double> headDecay = new("--head-decay") { Description = "l2-sp: the pull of a new head to zero.", DefaultValueFactory = _ => 0 };
    readonly Option<double> radius = new("--radius") { Description = "mars-sp: how far a row may be from its pre-trained value, in sums of absolute differences.", DefaultValueFactory = _ => 1 };
    readonly Option<double> annealing = new("--annealing") { Description = "ftp: what slopes that shrink a radius are multiplied with, 0 to 1.", DefaultValueFactory = _ => 1 };
    readonly Option<double> mu = new("--mu") { Description = "ftp and digrap: learning rate of what they learn beside the weights.", DefaultValueFactory = _ => 0.01 };
    readonly Option<string> grain = new("--spd-grain") { Description = "SPD: tensor, row-ratio or row.", DefaultValueFactory = _ => "tensor" };
    readonly Option<string> condition = new("--spd-condition") { Description = "SPD: the gradient of its condition, step, before-clipping or averaged.", DefaultValueFactory = _ => "step" };
    readonly Option<double> conditionDecay = new("--spd-condition-decay") { Description = "SPD: share of the condition's running mean that stays.", DefaultValueFactory = _ => 0 };
    readonly Option<bool> overDepth = new("--spd-over-depth") { Description = "SPD: lambda falls from the embeddings to the head (MAPS)." };
    readonly Option<bool> products = new("--spd-products") { Description = "SPD: a LoRA pair is one layer, by its product." };
    readonly Option<string> ablation = new("--spd-ablation") { Description = "SPD: none, always, no-condition, no-ratio, inverted or random.", DefaultValueFactory = _ => "none" };
    readonly Option<bool> adaptersAtStart = new("--adapters-at-start") { Description = "Anchor adapters at their start instead of at zero." };
    readonly Option<string> anchorStorage = new("--anchors") { Description = "Where pre-trained weights are kept: device, bfloat16 or host.", DefaultValueFactory = _ => "device" };
    readonly Option<int> epochs = new("--epochs") { Description = "Passes over the training data." };
    readonly Option<int> batch = new("--batch") { Description = "Images or texts a batch.", DefaultValueFactory = _ => 32 };
    readonly Option<int> accumulate = new("--accumulate") { Description = "Batches a step, their gradients averaged.", DefaultValueFactory = _ => 1 };
    readonly Option<bool> recompute = new("--recompute") { Description = "Keep less in memory and compute each block once more in backward; the result is the same." };
    readonly Option<ulong> seed = new("--seed") { Description = "Decides order, augmentation, dropout and a new head.", DefaultValueFactory = _ => 1 };
    readonly Option<double> warmUp = new("--warmup") { Description = "Steps of warm-up, or a share of all steps below 1.", DefaultValueFactory = _ => 0.1 };
    readonly Option<string> schedule = new("--schedule") { Description = "constant, linear, cosine or step.", DefaultValueFactory = _ => "cosine" };
    readonly Option<double?> clip = new("--clip") { Description = "Largest global norm of the gradient." };
    readonly Option<float> labelSmoothing = new("--label-smoothing") { Description = "Share of a label spread over all classes.", DefaultValueFactory = _ => 0f };
    readonly Option<string[]> anchorExclude = new("--anchor-exclude") { Description = "Parameters that are not held to their pre-trained values, by name.", AllowMultipleArgumentsPerToken = true };
    readonly Option<bool> resume = new("--resume") { Description = "Go on with the run in --out, where it stopped, with the same options." };
    readonly Option<string?> trace = new("--trace")
    {
        Description = "Write the trace of selective projection, every step and layer, in --out: trace.arrow (Apache Arrow), or the file named; .csv for text.",
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
        [optimizer, learningRate, weightDecay, lambda, anchorExclude, .. Knobs, epochs, batch, accumulate, Machine.Precision, recompute, warmUp, schedule, clip, labelSmoothing, seed];

    // What methods other than the usual ones take.
    Option[] Knobs =>
        [layerDecay, amsGrad, headDecay, radius, annealing, mu, grain, condition, conditionDecay, overDepth, products, ablation, adaptersAtStart, anchorStorage];

    static readonly (string Word, OptimizerKind Kind)[] Kinds =
    [
        ("sgd", OptimizerKind.Sgd), ("adam", OptimizerKind.Adam), ("adamw", OptimizerKind.AdamW), ("adam-spd", OptimizerKind.AdamSpd),
        ("sgd-spd", OptimizerKind.SgdSpd), ("adamw-spd", OptimizerKind.AdamWSpd), ("l2-sp", OptimizerKind.L2Sp), ("l2-sp-decoupled", OptimizerKind.L2SpDecoupled),
        ("mars-sp", OptimizerKind.MarsSp), ("ftp", OptimizerKind.AdamFtp), ("digrap", OptimizerKind.DiGraP), ("cautious-adamw", OptimizerKind.CautiousAdamW),
    ];

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
            Optimizer = parsed.Choose(optimizer, Kinds),
            LearningRate = parsed.GetValue(learningRate),
            WeightDecay = parsed.GetValue(weightDecay),
            Lambda = parsed.GetValue(lambda),
            Method = Method(parsed),
            Epochs = parsed.GetValue(epochs),
            Accumulation = parsed.GetValue(accumulate),
            Precision = Machine.PrecisionOf(parsed),
            Recompute = parsed.GetValue(recompute),
            Seed = parsed.GetValue(seed),
            WarmUp = parsed.GetValue(warmUp),
            Schedule = parsed.Choose(schedule, Choices.Schedules),
            Clip = parsed.GetValue(clip),
            LabelSmoothing = parsed.GetValue(labelSmoothing),
            AnchorExclude = parsed.GetValue(anchorExclude) ?? [],
            KeepTrace = Trace(parsed) is { } file && TraceTable.IsCsv(file),
        };
        if (parsed.GetValue(batch) < 1) throw new UsageException($"--batch is {parsed.GetValue(batch)}; it must be 1 or more.");
        if (options.Fault() is { } fault) throw new UsageException($"{NameOf(fault.Option)} {fault.Problem}");
        RefuseIdle(parsed, options.Optimizer);
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
            throw new UsageException(exception.Message.StartsWith("Anchors", StringComparison.Ordinal) ? $"{anchorExclude.Name}: {exception.Message}" : $"{optimizer.Name}: {exception.Message}");
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

    MethodOptions Method(ParseResult parsed) => new()
    {
        AmsGrad = parsed.GetValue(amsGrad),
        HeadDecay = parsed.GetValue(headDecay),
        Radius = parsed.GetValue(radius),
        Annealing = parsed.GetValue(annealing),
        Mu = parsed.GetValue(mu),
        LayerDecay = parsed.GetValue(layerDecay),
        LambdaOverDepth = parsed.GetValue(overDepth),
        Grain = parsed.Choose(grain, ("tensor", ProjectionGrain.Tensor), ("row-ratio", ProjectionGrain.RowRatio), ("row", ProjectionGrain.Row)),
        Condition = parsed.Choose(condition, ("step", ConditionGradient.Step), ("before-clipping", ConditionGradient.BeforeClipping), ("averaged", ConditionGradient.Averaged)),
        ConditionDecay = parsed.GetValue(conditionDecay),
        Ablation = parsed.Choose(ablation, ("none", ProjectionAblation.None), ("always", ProjectionAblation.AlwaysProject), ("no-condition", ProjectionAblation.RatioWithoutCondition),
            ("no-ratio", ProjectionAblation.ConditionWithoutRatio), ("inverted", ProjectionAblation.InvertedCondition), ("random", ProjectionAblation.RandomCondition)),
        LowRankProducts = parsed.GetValue(products),
        AdaptersAtStart = parsed.GetValue(adaptersAtStart),
        AnchorStorage = parsed.Choose(anchorStorage, ("device", AnchorStorage.Device), ("bfloat16", AnchorStorage.BFloat16), ("host", AnchorStorage.Host)),
    };

    // An option that would do nothing is a misunderstanding; better said now than found out after the run.
    void RefuseIdle(ParseResult parsed, OptimizerKind kind)
    {
        string name = parsed.GetValue(optimizer)!;
        if (kind is OptimizerKind.AdamSpd or OptimizerKind.SgdSpd)
            Refuse(parsed, [weightDecay], $"{name}, which pulls toward the pre-trained weights with --lambda");
        if (kind == OptimizerKind.MarsSp) Refuse(parsed, [weightDecay], "mars-sp, whose knob is --radius");
        if (!kind.Projects()) Refuse(parsed, [lambda, trace, explainSteps, grain, condition, conditionDecay, overDepth, products, ablation], $"{name}; it is adam-spd's");
        if (!kind.UsesAnchors()) Refuse(parsed, [anchorExclude, adaptersAtStart, anchorStorage], $"{name}, which looks at no pre-trained weights");
        if (kind is not (OptimizerKind.L2Sp or OptimizerKind.L2SpDecoupled)) Refuse(parsed, [headDecay], $"{name}; it is l2-sp's");
        if (kind != OptimizerKind.MarsSp) Refuse(parsed, [radius], $"{name}; it is mars-sp's");
        if (kind != OptimizerKind.AdamFtp) Refuse(parsed, [annealing], $"{name}; it is ftp's");
        if (kind is not (OptimizerKind.AdamFtp or OptimizerKind.DiGraP)) Refuse(parsed, [mu], $"{name}; it is ftp's and digrap's");
        if (kind is OptimizerKind.Sgd or OptimizerKind.SgdSpd) Refuse(parsed, [amsGrad], $"{name}; it is adam's");
    }

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
        nameof(MethodOptions.HeadDecay) => headDecay.Name,
        nameof(MethodOptions.Radius) => radius.Name,
        nameof(MethodOptions.Annealing) => annealing.Name,
        nameof(MethodOptions.Mu) => mu.Name,
        nameof(MethodOptions.LayerDecay) => layerDecay.Name,
        nameof(MethodOptions.ConditionDecay) => conditionDecay.Name,
        nameof(TrainingOptions.Accumulation) => accumulate.Name,
        nameof(TrainingOptions.Precision) => Machine.Precision.Name,
        nameof(TrainingOptions.Epochs) => epochs.Name,
        nameof(TrainingOptions.WarmUp) => warmUp.Name,
        nameof(TrainingOptions.Clip) => clip.Name,
        nameof(TrainingOptions.LabelSmoothing) => labelSmoothing.Name,
        _ => optimizer.Name,
    };
}
