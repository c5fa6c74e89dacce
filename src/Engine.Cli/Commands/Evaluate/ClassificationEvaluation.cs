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

    public override string Help =>
        "  Image classifiers: accuracy, loss, accuracy per class, and which classes are taken for which.\n" +
        "    engine evaluate --model run/best --data test\n" +
        "    engine evaluate --model run/best --data test --json\n" +
        "    engine evaluate --model vit-base --adapter lora-run/best --data test";

    public override void Run(ParseResult parsed, EvaluationArguments arguments, CancellationToken cancellation)
    {
        IReadOnlyList<string>? names = ClassifierFiles.ReadClassNames(arguments.Companions);
        ImageFolder images = new(arguments.Data, names);
        ImageClassifier model = arguments.Load<ImageClassifier>().Model;
        if (model.Classes != images.ClassNames.Count)
            throw new CheckpointException(arguments.Folder, $"the model tells {model.Classes} classes apart, {(names is null ? images.Folder : ClassifierFiles.ClassNamesFile)} has {images.ClassNames.Count}; " +
                "evaluate on the classes it was trained on, or fine-tune it on these");
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(arguments.Companions, model.ImageSize);
        BatchLoader loader = new(images, preprocessing, new BatchLoaderOptions { BatchSize = arguments.Batch });
        ClassificationResult result = ProgressDisplay.Run(progress => Evaluator.Run(model, loader, cancellation, progress));
        if (arguments.Json) PrintJson(result);
        else PrintTables(result);
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

    static void PrintJson(ClassificationResult result)
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
            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }
}
