using System.CommandLine;
using System.Text.Json;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>How a language model answers questions with given answers, or predicts texts.</summary>
sealed class TextEvaluation : EvaluateBranch
{
    static readonly Option<bool> Generate = new("--generate") { Description = "Texts: let the model write its answer and look for a candidate in it, instead of comparing how likely the candidates are." };
    static readonly Option<int?> Limit = new("--limit") { Description = "Texts: only the first so many of each file." };

    public override ModelKind Kind => ModelKind.LanguageModel;

    public override string Subject => "language model";

    public override IReadOnlyList<Option> Options => [TextArguments.Tokenizer, TextArguments.Template, TextArguments.Cutoff, Generate, Limit];

    public override string Help =>
        "  Language models: of questions with given answers (JSON as LLM-Adapters has it) accuracy, its 95 % interval and the level of\n" +
        "  chance; of other instructions and of .txt files perplexity. A folder is searched for NAME.json and NAME/test.json.\n" +
        "    engine evaluate --model llama --data commonsense\n" +
        "    engine evaluate --model llama --adapter lora-run/best --data commonsense\n" +
        "    engine evaluate --model llama --data commonsense/boolq/test.json --generate --limit 200";

    public override void Run(ParseResult parsed, EvaluationArguments arguments, CancellationToken cancellation)
    {
        if (parsed.GetValue(Limit) is < 1) throw new UsageException($"{Limit.Name} is {parsed.GetValue(Limit)}; it must be 1 or more.");
        IReadOnlyList<(string Name, string Path)> files = Files(arguments.Data);
        Llama model = LanguageModel.Load(arguments.Folder, arguments.Adapter).Model;
        Tokenizer tokenizer = TextArguments.TokenizerOf(parsed, LanguageModel.TokenizerFolder(arguments.Folder, arguments.Adapter), model).Tokenizer;
        List<(string Name, AnswerResult Result)> answers = [];
        List<(string Name, TextResult Result)> texts = [];
        foreach ((string name, string path) in files)
        {
            if (TextArguments.IsPlain(path) || Questions(path, parsed) is not { } questions)
            {
                texts.Add((name, ProgressDisplay.Run(progress => TextTask.Measure(model, Texts(parsed, path, tokenizer, model, arguments.Batch), cancellation, progress))));
                continue;
            }

            AnswerEvaluator evaluator = new(model, tokenizer, TextArguments.TemplateOf(parsed));
            answers.Add((name, ProgressDisplay.Run(progress => parsed.GetValue(Generate)
                ? evaluator.Generate(questions, arguments.Batch, cancellation, progress) : evaluator.Score(questions, cancellation, progress))));
        }

        if (arguments.Json) PrintJson(model, answers, texts);
        else PrintTables(answers, texts, parsed.GetValue(Generate));
    }

    static IReadOnlyList<(string Name, string Path)> Files(string data)
    {
        if (!Directory.Exists(data)) return [(Path.GetFileNameWithoutExtension(data) is var name and not "test" ? name : Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(data))!), data)];
        List<(string, string)> files =
        [
            .. Directory.GetFiles(data, "*.json").Concat(Directory.GetFiles(data, "*.jsonl")).Select(file => (Path.GetFileNameWithoutExtension(file), file)),
            .. Directory.GetDirectories(data).Select(folder => (Path.GetFileName(folder), Path.Combine(folder, "test.json"))).Where(file => File.Exists(file.Item2)),
        ];
        return files.Count > 0 ? [.. files.OrderBy(file => file.Item1, StringComparer.Ordinal)]
            : throw new DatasetException(data, "holds no NAME.json and no NAME/test.json");
    }

    // Null where the examples have no answers to choose from.
    static IReadOnlyList<AnswerChoices>? Questions(string path, ParseResult parsed)
    {
        IReadOnlyList<InstructionExample> examples = InstructionFile.Read(path);
        if (examples.All(example => example.Answer is null)) return null;
        return [.. examples.Take(parsed.GetValue(Limit) ?? int.MaxValue).Select((example, i) => AnswerChoices.Of(example, path, i + 1))];
    }

    static TextLoader Texts(ParseResult parsed, string path, Tokenizer tokenizer, Llama model, int batch)
    {
        if (parsed.GetValue(Generate)) throw new UsageException($"{Generate.Name} is for questions with an \"answer\"; {path} has none.");
        TextEncoding encoding = TextArguments.Encoding(parsed, model);
        IReadOnlyList<TokenExample> examples = TextArguments.IsPlain(path)
            ? TextEncoder.Windows(tokenizer, TextArguments.ReadPlain(path), Math.Min(encoding.Cutoff, model.Config.MaximumLength), path)
            : TextEncoder.Encode(tokenizer, InstructionFile.Read(path), encoding, path).Examples;
        return new([.. examples.Take(parsed.GetValue(Limit) ?? int.MaxValue)], new() { BatchSize = batch });
    }

    static void PrintTables(List<(string Name, AnswerResult Result)> answers, List<(string Name, TextResult Result)> texts, bool generated)
    {
        if (answers.Count > 0)
        {
            if (answers.Count > 1) answers = [.. answers, ("all", answers.Select(row => row.Result).Aggregate((a, b) => a + b))];
            Console.WriteLine(generated ? "Generated answers; the first candidate in each counts." : "Answers by likelihood; normalised: by likelihood a token.");
            Tables.Print(generated
                ? ["set", "questions", "accuracy, %", "95 % interval", "chance, %", "no answer", "seconds"]
                : ["set", "questions", "accuracy, %", "95 % interval", "normalised, %", "chance, %", "perplexity", "seconds"],
                answers.Select(row => (IReadOnlyList<string>)Row(row.Name, row.Result, generated)));
            if (answers[^1].Result.Shortened is var shortened and > 0)
                Console.WriteLine($"note: {shortened:N0} questions are longer than the model's context; their beginning was left away.");
        }

        if (texts.Count > 0)
            Tables.Print(["text", "tokens", "loss", "perplexity", "right, %", "seconds"], texts.Select(row => (IReadOnlyList<string>)
                [row.Name, $"{row.Result.Tokens:N0}", Tables.Number(row.Result.Loss, 4), row.Result.Perplexity.ToString("G4", System.Globalization.CultureInfo.InvariantCulture), Tables.Percent(row.Result.Accuracy), Tables.Number(row.Result.Elapsed.TotalSeconds, 1)]));
    }

    static string[] Row(string name, AnswerResult result, bool generated)
    {
        string[] first = [name, $"{result.Questions:N0}", Tables.Percent(result.Accuracy), $"{Tables.Percent(result.Interval.Low)} - {Tables.Percent(result.Interval.High)}"];
        string seconds = Tables.Number(result.Elapsed.TotalSeconds, 1), chance = Tables.Percent(result.Chance);
        return generated ? [.. first, chance, $"{result.Unanswered:N0}", seconds]
            : [.. first, Tables.Percent(result.AccuracyNormalized), chance, result.Perplexity.ToString("G4", System.Globalization.CultureInfo.InvariantCulture), seconds];
    }

    static void PrintJson(Llama model, List<(string Name, AnswerResult Result)> answers, List<(string Name, TextResult Result)> texts)
    {
        using Stream output = Console.OpenStandardOutput();
        using (Utf8JsonWriter json = new(output, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("weights", LanguageModel.Types(model));
            json.WriteStartArray("sets");
            foreach ((string name, AnswerResult result) in answers)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteNumber("questions", result.Questions);
                json.WriteNumber("correct", result.Correct);
                json.WriteNumber("accuracy", result.Accuracy);
                json.WriteNumber("low", result.Interval.Low);
                json.WriteNumber("high", result.Interval.High);
                json.WriteNumber("accuracyNormalized", result.AccuracyNormalized);
                json.WriteNumber("chance", result.Chance);
                json.WriteNumber("unanswered", result.Unanswered);
                json.WriteNumber("shortened", result.Shortened);
                WriteFinite(json, "perplexity", result.Perplexity);
                json.WriteNumber("seconds", result.Elapsed.TotalSeconds);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("texts");
            foreach ((string name, TextResult result) in texts)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteNumber("tokens", result.Tokens);
                WriteFinite(json, "loss", result.Loss);
                WriteFinite(json, "perplexity", result.Perplexity);
                json.WriteNumber("accuracy", result.Accuracy);
                json.WriteNumber("seconds", result.Elapsed.TotalSeconds);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    static void WriteFinite(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
