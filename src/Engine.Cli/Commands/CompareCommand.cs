using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine compare: methods of fine-tuning side by side.</summary>
static class CompareCommand
{
    static readonly Option<string> Model = new("--model") { Description = "The model folder that all methods begin with.", Required = true };
    static readonly Option<string> Data = new("--data") { Description = "Training images of the domain to fine-tune on, in one folder a class.", Required = true };
    static readonly Option<string?> Validation = new("--val") { Description = "Images of the same domain that epochs and knobs are chosen by; without it a tenth of the training images." };
    static readonly Option<string?> Test = new("--test") { Description = "Images of the same domain that results are measured on; without it another tenth." };
    static readonly Option<string[]> Others = new("--ood") { Description = "Folders of images of other domains, with the same classes. They choose nothing.", AllowMultipleArgumentsPerToken = true };
    static readonly Option<string> Target = new("--out") { Description = "The folder for results; one that holds some of the same comparison is gone on with.", Required = true };
    static readonly Option<string> Methods = new("--methods") { Description = $"Methods, with commas: {string.Join(", ", ComparedMethods.All.Select(method => method.Name))}.", DefaultValueFactory = _ => "adamw,adam-spd" };
    static readonly Option<string[]> Sweep = new("--sweep") { Description = "Values of a method's knob: adam-spd=0.5,1,2, or by the knob's name, lambda=0.5,1,2, for all that have it.", AllowMultipleArgumentsPerToken = true };
    static readonly Option<int> Seeds = new("--seeds") { Description = "Seeds 1, 2, ... of each method and value.", DefaultValueFactory = _ => 3 };
    static readonly Option<double?> Budget = new("--budget") { Description = "Minutes after which no further training begins; the same command goes on later." };
    static readonly Option<int?> ImageSize = new("--image-size") { Description = "The images' side in pixels, where it is to be another than the model's." };
    static readonly Option<int> Epochs = new("--epochs") { Description = "Passes over the training images.", DefaultValueFactory = _ => 5 };
    static readonly Option<int> Batch = new("--batch") { Description = "Images a batch.", DefaultValueFactory = _ => 32 };
    static readonly Option<double> Rate = new("--lr") { Description = "Learning rate after warm-up, of every method.", DefaultValueFactory = _ => 1e-4 };
    static readonly Option<double> WarmUp = new("--warmup") { Description = "Steps of warm-up, or a share of all steps below 1.", DefaultValueFactory = _ => 0.1 };
    static readonly Option<string> Shape = new("--schedule") { Description = "constant, linear, cosine or step.", DefaultValueFactory = _ => "cosine" };
    static readonly Option<double?> Clip = new("--clip") { Description = "Largest global norm of the gradient." };

    public static Command Create()
    {
        Command command = Commands.Create("compare", "Compare methods of fine-tuning, from the same weights, over the same batches.",
            "Every method is trained for every value of its knob and every seed, and measured on images of the domain it was trained on and\n" +
            "of others. Its epoch and its knob are chosen on validation images of the first; the others choose nothing. The table has means\n" +
            "with 95 % intervals over the seeds, and differences to the first method, seed by seed. Ctrl-C stops, the same command goes on.\n\n" +
            "  engine draw --domains --out domains\n" +
            "  engine pretrain --data domains/filled/train --out base\n" +
            "  engine compare --model base/best --data domains/sketch/train --val domains/sketch/val --test domains/sketch/test \\\n" +
            "    --ood domains/filled/test domains/photo/test --methods adamw,wise-ft,adam-spd --sweep lambda=0.5,1,2 --out compared\n\n" +
            "The whole command line may stand in a file, one word or option a line: engine compare @domainnet.txt\n\n" +
            string.Join('\n', ComparedMethods.All.Select(method => $"  {method.Name,-17}{Describe(method)}")));
        foreach (Option option in (Option[])
            [Model, Data, Validation, Test, Others, .. CorruptionArguments.Options, Target, Methods, Sweep, Seeds, Budget, ImageSize, ImageArguments.Augment, Epochs, Batch, Rate, WarmUp, Shape, Clip, Machine.Device, Machine.Threads])
            command.Add(option);
        Commands.Run(command, Run);
        return command;
    }

    static string Describe(ComparedMethod method) => method.Knob is null ? method.Source
        : string.Create(CultureInfo.InvariantCulture, $"{method.Source}; {method.Knob} {string.Join(", ", method.Values)}");

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        ComparisonOptions options = ReadOptions(parsed);
        string target = parsed.GetValue(Target)!, folder = parsed.GetValue(Model)!;
        if (ModelFolder.KindOf(folder) is var kind && kind != ModelKind.ImageClassifier)
            throw new CheckpointException(folder, $"holds {kind.WithArticle()}; compare takes image classifiers");
        ImageComparison subject = ReadImages(parsed, folder);
        using OutputFolder output = new(target);
        ComparisonFolder results = ComparisonFolder.Open(target, subject, options);
        MethodComparison comparison = new(subject, options);
        Console.WriteLine($"{comparison.Plan.Count} trainings on {subject.Training.Count:N0} images of {subject.Domains[0]}, measured on {string.Join(", ", subject.Domains)}{(results.Outcomes.Count > 0 ? $"; {results.Outcomes.Count} models are measured already" : "")}");
        ComparisonTable table = new(options, subject.Domains);
        foreach (ComparisonOutcome known in results.Outcomes) table.Add(known);
        comparison.Finished += table.Enqueue;
        try
        {
            bool whole = Train(comparison, results, table, parsed.GetValue(Budget), cancellation);
            Report(whole ? null : "The time is used up; the same command goes on.");
            return ExitCode.Success;
        }
        catch (OperationCanceledException) when (results.Outcomes.Count > 0)
        {
            table.Flush();
            Report(null);
            Console.Error.WriteLine("Interrupted; every finished training is kept, and the same command goes on.");
            return ExitCode.Interrupted;
        }

        void Report(string? open)
        {
            ComparisonTable.PrintSummary(results.Outcomes, subject.Domains);
            Console.WriteLine($"{output["results.json"]}, {output["results.csv"]}: every measured model");
            if (open is not null) Console.WriteLine(open);
        }
    }

    static bool Train(MethodComparison comparison, ComparisonFolder results, ComparisonTable table, double? minutes, CancellationToken cancellation)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (true)
        {
            if (clock.Elapsed.TotalMinutes >= minutes) return comparison.Next(results) is null;
            bool more = ProgressDisplay.Run(progress => comparison.RunNext(results, progress, cancellation));
            table.Flush();
            if (!more) return true;
        }
    }

    static ComparisonOptions ReadOptions(ParseResult parsed)
    {
        int seeds = parsed.GetValue(Seeds);
        if (seeds < 1) throw new UsageException($"{Seeds.Name} is {seeds}; it must be 1 or more.");
        if (parsed.GetValue(Batch) < 1) throw new UsageException($"{Batch.Name} is {parsed.GetValue(Batch)}; it must be 1 or more.");
        if (parsed.GetValue(Budget) is { } minutes && !(minutes > 0)) throw new UsageException(FormattableString.Invariant($"{Budget.Name} is {minutes}; it must be above 0 minutes."));
        TrainingOptions training = new()
        {
            LearningRate = parsed.GetValue(Rate),
            Epochs = parsed.GetValue(Epochs),
            WarmUp = parsed.GetValue(WarmUp),
            Schedule = parsed.Choose(Shape, Choices.Schedules),
            Clip = parsed.GetValue(Clip),
        };
        if (training.Fault() is { } fault)
            throw new UsageException($"{fault.Option switch { nameof(TrainingOptions.LearningRate) => Rate.Name, nameof(TrainingOptions.WarmUp) => WarmUp.Name, nameof(TrainingOptions.Clip) => Clip.Name, _ => Epochs.Name }} {fault.Problem}");
        return new()
        {
            Methods = ReadMethods(parsed),
            Seeds = [.. Enumerable.Range(1, seeds).Select(seed => (ulong)seed)],
            Training = training,
        };
    }

    static (ComparedMethod, IReadOnlyList<double>)[] ReadMethods(ParseResult parsed)
    {
        List<ComparedMethod> methods = [];
        foreach (string name in parsed.GetValue(Methods)!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct())
            methods.Add(ComparedMethods.Find(name)
                ?? throw new UsageException($"{Methods.Name}: there is no '{name}'; choose some of {string.Join(", ", ComparedMethods.All.Select(method => method.Name))}."));
        if (methods.Count == 0) throw new UsageException($"{Methods.Name} names none; choose some of {string.Join(", ", ComparedMethods.All.Select(method => method.Name))}.");
        Dictionary<string, IReadOnlyList<double>> sweeps = [];
        foreach (string sweep in parsed.GetValue(Sweep) ?? [])
        {
            (string name, IReadOnlyList<double> values) = ReadSweep(sweep);
            if (!methods.Any(method => method.Knob is not null && (method.Name == name || method.Knob == name)))
                throw new UsageException($"{Sweep.Name}: '{name}' is no knob of the methods compared; there are {string.Join(", ", methods.Where(method => method.Knob is not null).Select(method => $"{method.Knob} of {method.Name}").DefaultIfEmpty("none"))}.");
            sweeps[name] = values;
        }

        return [.. methods.Select(method => (method, sweeps.GetValueOrDefault(method.Name) ?? sweeps.GetValueOrDefault(method.Knob ?? "") ?? method.Values))];
    }

    static (string Name, IReadOnlyList<double> Values) ReadSweep(string sweep)
    {
        string[] parts = sweep.Split('=');
        if (parts.Length != 2 || parts[1].Length == 0) throw new UsageException($"{Sweep.Name} is '{sweep}'; expected a knob and its values, such as lambda=0.5,1,2.");
        return (parts[0].Trim(), [.. parts[1].Split(',').Select(text =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= 0 && double.IsFinite(value) ? value
            : throw new UsageException($"{Sweep.Name} {sweep}: '{text}' is no number of 0 or more.")).Distinct()]);
    }

    static ImageComparison ReadImages(ParseResult parsed, string folder)
    {
        ImageFolder all = new(parsed.GetValue(Data)!);
        if (all.ClassNames.Count < 2) throw new DatasetException(all.Folder, $"one class folder ({all.ClassNames[0]}); a classifier needs two or more");
        IImageDataset training = all;
        IImageDataset test = Held(Test, 0.1), validation = Held(Validation, parsed.GetValue(Test) is null ? 1 / 9.0 : 0.1);
        string[] others = parsed.GetValue(Others) ?? [];
        var corruptions = CorruptionArguments.Read(parsed);
        if (others.Length == 0 && corruptions is null) throw new UsageException($"{Others.Name}: name folders of other domains, or ask for {CorruptionArguments.Kinds.Name}: robustness shows only where a model was not trained.");
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(folder, parsed.GetValue(ImageSize) ?? ModelFolder.Load<ImageClassifier>(folder).Model.ImageSize);
        List<ImageDomain> tests = [new(NameOf(all.Folder), new CachedDataset(test))];
        foreach (string other in others) tests.Add(new(Unused(NameOf(other)), new CachedDataset(new ImageFolder(other, all.ClassNames))));
        foreach (Corruption kind in corruptions?.Kinds ?? [])
            foreach (int severity in corruptions?.Severities ?? [])
                tests.Add(new($"{kind.Word()} {severity}", new CorruptedDataset(tests[0].Images, kind, severity, preprocessing), CorruptedDataset.AsPrepared(preprocessing)));
        return new()
        {
            Folder = folder,
            Training = new CachedDataset(training),
            Validation = new CachedDataset(validation),
            Tests = tests,
            Augmentation = ImageArguments.AugmentationOf(parsed, preprocessing.Size),
            BatchSize = parsed.GetValue(Batch),
            ImageSize = parsed.GetValue(ImageSize),
        };

        // Given, or a tenth of all images: the same for every seed and method.
        IImageDataset Held(Option<string?> option, double fractionOfRest)
        {
            if (parsed.GetValue(option) is { } given) return new ImageFolder(given, all.ClassNames);
            (DatasetSubset kept, DatasetSubset held) = DatasetSubset.Split(training, fractionOfRest, seed: 0);
            if (held.Count == 0) throw new DatasetException(all.Folder, $"one image a class; none can be held out, so name images with {option.Name}");
            training = kept;
            return held;
        }

        string Unused(string name) => tests.Any(test => test.Name == name) ? $"{name} {tests.Count + 1}" : name;
    }

    // domains/sketch/test is the domain sketch.
    static string NameOf(string folder)
    {
        DirectoryInfo at = new(Path.TrimEndingDirectorySeparator(folder));
        return at.Name is "train" or "val" or "test" && at.Parent is { Name.Length: > 1 } parent ? parent.Name : at.Name;
    }
}
