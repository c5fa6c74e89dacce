using System.CommandLine;
using System.Text.Json;
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
        "    engine evaluate --model vit-base --adapter lora-run/best --data test\n" +
        CorruptionArguments.Help;

    public override void Run(ParseResult parsed, EvaluationArguments arguments, CancellationToken cancellation)
    {
        var corruptions = CorruptionArguments.Read(parsed);
        IReadOnlyList<string>? names = ClassifierFiles.ReadClassNames(arguments.Companions);
        ImageFolder images = new(arguments.Data, names);
        ImageClassifier model = arguments.Load<ImageClassifier>().Model;
        if (model.Classes != images.ClassNames.Count)
            throw new CheckpointException(arguments.Folder, $"the model tells {model.Classes} classes apart, {(names is null ? images.Folder : ClassifierFiles.ClassNamesFile)} has {images.ClassNames.Count}; " +
                "evaluate on the classes it was trained on, or fine-tune it on these");
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(arguments.Companions, model.ImageSize);
        BatchLoaderOptions options = new() { BatchSize = arguments.Batch };
        IImageDataset kept = corruptions is null ? images : new CachedDataset(images);        // each image is met many times
        (ClassificationResult result, CorruptionResult? suite) = ProgressDisplay.Run(progress =>
        {
            ClassificationResult clean = Evaluator.Run(model, new BatchLoader(kept, preprocessing, options), cancellation, progress);
            return (clean, corruptions is not { } asked ? null : CorruptionSuite.Run(asked.Kinds, asked.Severities, found => found is not { } corrupted ? clean
                : Evaluator.Run(model, new BatchLoader(new CorruptedDataset(kept, corrupted.Corruption, corrupted.Severity, preprocessing), CorruptedDataset.AsPrepared(preprocessing), options),
                    cancellation, progress), cancellation));
        });
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

    static void PrintJson(ClassificationResult result, CorruptionResult? suite)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("accuracy", result.Accuracy);
            json.WriteNumber("correct", result.Correct);
            json.WriteNumber("images", result.Count);
            if (double.IsFinite(result.Loss)) json.WriteNumber("loss", result.Loss);
            else json.WriteNull("loss");
            json.WriteNumber("seconds", result.Elapsed.TotalSeconds);
            json.WriteStartArray("classes");
            for (int actual = 0; actual < result.ClassNames.Count; actual++)
            {
                json.WriteStartObject();
                json.WriteString("name", result.ClassNames[actual]);
                json.WriteNumber("images", result.CountOf(actual));
                if (result.CountOf(actual) > 0) json.WriteNumber("accuracy", result.AccuracyOf(actual));
                else json.WriteNull("accuracy");
                json.WriteStartArray("confusion");
                for (int predicted = 0; predicted < result.ClassNames.Count; predicted++) json.WriteNumberValue(result.Confusion(actual, predicted));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (suite is not null) CorruptionArguments.Write(json, suite);
            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }
}
