using System.CommandLine;
using System.Text.Json;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine evaluate: accuracy, per class, confusion.</summary>
static class EvaluateCommand
{
    const int LargestConfusion = 20;

    static readonly Option<string> Model = new("--model") { Description = "A model folder.", Required = true };
    static readonly Option<string> Data = new("--data") { Description = "Images: a folder with one folder a class.", Required = true };
    static readonly Option<int> Batch = new("--batch") { Description = "Images at a time.", DefaultValueFactory = _ => 64 };
    static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead of tables." };

    public static Command Create()
    {
        Command command = Commands.Create("evaluate", "Measure a classifier on folders of images.",
            "Accuracy, loss, accuracy per class, and which classes are taken for which.\n\n" +
            "  engine evaluate --model run/best --data test\n  engine evaluate --model run/best --data test --json");
        command.Add(Model);
        command.Add(Data);
        command.Add(Batch);
        command.Add(Json);
        command.Add(Machine.Device);
        command.Add(Machine.Threads);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        if (parsed.GetValue(Batch) < 1) throw new UsageException($"--batch is {parsed.GetValue(Batch)}; it must be 1 or more.");
        string folder = parsed.GetValue(Model)!;
        IReadOnlyList<string>? names = ClassifierFiles.ReadClassNames(folder);
        ImageFolder images = new(parsed.GetValue(Data)!, names);
        VisionTransformer model = ModelFolder.Load<VisionTransformer>(folder).Model;
        if (model.Config.Classes != images.ClassNames.Count)
            throw new CheckpointException(folder, $"the model tells {model.Config.Classes} classes apart, {(names is null ? images.Folder : ClassifierFiles.ClassNamesFile)} has {images.ClassNames.Count}; " +
                "evaluate on the classes it was trained on, or fine-tune it on these");
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(folder, model.Config.ImageSize);
        BatchLoader loader = new(images, preprocessing, new BatchLoaderOptions { BatchSize = parsed.GetValue(Batch) });
        ClassificationResult result = ProgressDisplay.Run(progress => Evaluator.Run(model, loader, cancellation, progress));
        if (parsed.GetValue(Json)) PrintJson(result);
        else PrintTables(result);
        return ExitCode.Success;
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
