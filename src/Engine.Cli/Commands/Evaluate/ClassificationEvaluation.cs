using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Accuracy of an image classifier, per class, and the confusion.</summary>
sealed class ClassificationEvaluation : EvaluateBranch
{
    const int LargestConfusion = 20;

    public override ModelKind Kind => ModelKind.ImageClassifier;

    public override string Subject => "image classifier";

    public override IReadOnlyList<Option> Options => CorruptionArguments.Options;

    public override string Help =>
        "  Image classifiers: accuracy, loss, accuracy per class, and which classes are taken for which.\n" +
        "    engine evaluate --model run/best --data test\n" +
        "    engine evaluate --model run/best --data test --json\n" +
        "    engine evaluate --model run/best --data test --device cuda --precision bf16\n" +
        "    engine evaluate --model vit-base --adapter lora-run/best --data test\n" +
        CorruptionArguments.Help;

    public override void Run(ParseResult parsed, EvaluationArguments arguments, CancellationToken cancellation)
    {
        var corruptions = CorruptionArguments.Read(parsed);
        IReadOnlyList<string>? names = ClassifierFiles.ReadClassNames(arguments.Companions);
        ImageFolder images = new(arguments.Data, names);
        ImageClassifier model = arguments.Load<ImageClassifier>().Model;
        arguments.CheckClasses(model.Classes, images.ClassNames, names is null ? images.Folder : null);
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(arguments.Companions, model.ImageSize);
        BatchLoaderOptions options = new() { BatchSize = arguments.Batch };
        IImageDataset kept = corruptions is null ? images : new CachedDataset(images);        // each image is met many times
        (ClassificationResult result, CorruptionResult? suite) = CorruptionArguments.Measure(corruptions, (found, progress) => Evaluator.Run(model, found is not { } corrupted
            ? new BatchLoader(kept, preprocessing, options)
            : new BatchLoader(new CorruptedDataset(kept, corrupted.Corruption, corrupted.Severity, preprocessing), CorruptedDataset.AsPrepared(preprocessing), options), cancellation, progress), cancellation);
        if (arguments.Json) PrintJson(result, suite);
        else
        {
            PrintTables(result);
            if (suite is not null) CorruptionArguments.Print(suite);
        }
    }

    static void PrintTables(ClassificationResult result)
    {
        Console.WriteLine($"accuracy {Tables.Percent(result.Accuracy)} % ({result.Correct:N0} of {result.Count:N0}), loss {Tables.Number(result.Loss, 4)}");
        Tables.Print(["class", "images", "accuracy, %"], result.ClassNames.Select((name, c) =>
            (IReadOnlyList<string>)[name, $"{result.CountOf(c):N0}", Tables.Percent(result.AccuracyOf(c))]));
        if (result.ClassNames.Count > LargestConfusion)
        {
            Console.WriteLine($"The confusion matrix of {result.ClassNames.Count} classes is in --json.");
            return;
        }

        Console.WriteLine("confusion: a row an actual class, a column the number of the class it was taken for");
        Tables.Print(["", .. result.ClassNames.Select((_, predicted) => $"{predicted}")], result.ClassNames.Select((name, actual) =>
            (IReadOnlyList<string>)[$"{actual} {name}", .. result.ClassNames.Select((_, predicted) => $"{result.Confusion(actual, predicted)}")]));
    }

    static void PrintJson(ClassificationResult result, CorruptionResult? suite) => EvaluationJson.Print(json =>
    {
        json.WriteNumber("accuracy", result.Accuracy);
        json.WriteNumber("correct", result.Correct);
        json.WriteNumber("images", result.Count);
        json.WriteFinite("loss", result.Loss);
        json.WriteNumber("seconds", result.Elapsed.TotalSeconds);
        json.WriteClasses(result.ClassNames, label =>
        {
            json.WriteNumber("images", result.CountOf(label));
            json.WriteFinite("accuracy", result.AccuracyOf(label));
        }, (actual, predicted) => result.Confusion(actual, predicted));
        if (suite is not null) CorruptionArguments.Write(json, suite);
    });
}
