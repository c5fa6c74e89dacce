using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine generate: a language model continues a text, or many.</summary>
static class GenerateCommand
{
    static readonly Option<string> Model = new("--model") { Description = "A folder with a LLaMA and its tokenizer.", Required = true };
    static readonly Option<string> Adapter = new("--adapter") { Description = "An adapter folder, trained on this model." };
    static readonly Option<string> Prompt = new("--prompt") { Description = "The text to continue." };
    static readonly Option<string> PromptFile = new("--prompt-file") { Description = "A file with the text to continue." };
    static readonly Option<string> BatchFile = new("--batch-file") { Description = "JSON lines to continue, each a text or an object with \"prompt\"." };
    static readonly Option<int> Batch = new("--batch") { Description = "With --batch-file: texts side by side.", DefaultValueFactory = _ => 8 };
    static readonly Option<int?> MaxTokens = new("--max-tokens") { Description = "Most tokens to add; by default as generation_config.json says, or 128." };
    static readonly Option<double?> Temperature = new("--temperature") { Description = "0 takes the likeliest token; below 1 bolder, above 1 more even; by default as generation_config.json says, or 0." };
    static readonly Option<int?> TopK = new("--top-k") { Description = "Draw among so many likeliest tokens; 0 for all." };
    static readonly Option<double?> TopP = new("--top-p") { Description = "Draw among the fewest tokens with this probability together; 1 for all." };
    static readonly Option<double?> RepetitionPenalty = new("--repetition-penalty") { Description = "Weakens tokens that came already; 1 for not at all." };
    static readonly Option<string[]> Stop = new("--stop") { Description = "A text that ends the answer; may be given several times." };
    static readonly Option<ulong> Seed = new("--seed") { Description = "What tokens are drawn by." };
    static readonly Option<string> Target = new("--out") { Description = "Write the answer, or the JSON lines of answers, to this file." };
    static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead of the text." };

    public static Command Create()
    {
        Command command = Commands.Create("generate", "Continue a text with a LLaMA.",
            "The answer appears as it comes; Ctrl-C ends it. How fast it went is told on the error stream.\n\n" +
            "  engine generate --model llama --prompt \"Once upon a time\"\n" +
            "  engine generate --model llama --adapter run/best --prompt-file question.txt --temperature 0.7 --top-p 0.9 --stop \"###\"\n" +
            "  engine generate --model llama --batch-file prompts.jsonl --out answers.jsonl");
        foreach (Option option in (Option[])[Model, Adapter, TextArguments.Tokenizer, Prompt, PromptFile, BatchFile, Batch, MaxTokens, Temperature, TopK, TopP, RepetitionPenalty, Stop, Seed, Target, Json])
            command.Add(option);
        command.Add(Machine.Device);
        command.Add(Machine.Threads);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        int sources = new[] { Prompt, PromptFile, BatchFile }.Count(option => parsed.GetValue(option) is not null);
        if (sources != 1) throw new UsageException("Give one of --prompt, --prompt-file and --batch-file.");
        if (parsed.GetValue(Batch) < 1) throw new UsageException($"--batch is {parsed.GetValue(Batch)}; it must be 1 or more.");
        if (parsed.GetValue(BatchFile) is not null && parsed.GetValue(Json)) throw new UsageException("--batch-file gives JSON lines anyway; leave out --json.");
        string folder = parsed.GetValue(Model)!, words = LanguageModel.TokenizerFolder(folder, parsed.GetValue(Adapter));
        GenerationOptions options = Options(parsed, File.Exists(Path.Combine(words, GenerationOptions.FileName)) ? words : folder);
        PromptLines? lines = parsed.GetValue(BatchFile) is { } file ? PromptLines.Read(file) : null;
        string? prompt = parsed.GetValue(PromptFile) is { } path ? PromptLines.Text(path) : parsed.GetValue(Prompt);

        Generator generator = new(LanguageModel.Load(folder, parsed.GetValue(Adapter)).Model, TextArguments.TokenizerOf(parsed, words).Tokenizer);
        return lines is null ? Answer(parsed, generator, prompt!, options, cancellation) : AnswerAll(parsed, generator, lines, options, cancellation);
    }

    // What was typed, over what the model's folder recommends.
    static GenerationOptions Options(ParseResult parsed, string folder)
    {
        GenerationOptions recommended = GenerationOptions.Recommended(folder);
        GenerationOptions options = recommended with
        {
            MaxNewTokens = parsed.GetValue(MaxTokens) ?? recommended.MaxNewTokens,
            Temperature = parsed.GetValue(Temperature) ?? recommended.Temperature,
            TopK = parsed.GetValue(TopK) ?? recommended.TopK,
            TopP = parsed.GetValue(TopP) ?? recommended.TopP,
            RepetitionPenalty = parsed.GetValue(RepetitionPenalty) ?? recommended.RepetitionPenalty,
            Stop = parsed.GetValue(Stop) ?? [],
            Seed = parsed.GetValue(Seed),
        };
        try
        {
            return options.Validated();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message["GenerationOptions: ".Length..]);
        }
    }

    static int Answer(ParseResult parsed, Generator generator, string prompt, GenerationOptions options, CancellationToken cancellation)
    {
        bool isShown = !parsed.GetValue(Json) && parsed.GetValue(Target) is null;
        string text = "";
        int tokens = 0;
        FinishReason finish = FinishReason.Cancelled;
        TimeSpan read = default;
        Stopwatch clock = Stopwatch.StartNew();
        foreach (GeneratedToken token in generator.Stream(prompt, options, cancellation))
        {
            if (token.Finish is not FinishReason.Cancelled && tokens++ == 0) read = clock.Elapsed;
            text += token.Text;
            if (isShown) Console.Write(token.Text);
            if (token.Finish is { } reason) finish = reason;
        }

        TimeSpan elapsed = clock.Elapsed;
        double rate = tokens > 1 ? (tokens - 1) / (elapsed - read).TotalSeconds : 0;
        if (isShown) Console.WriteLine();
        int length = generator.Encode(prompt).Length;
        JsonObject answer = Describe(text, tokens, finish);
        answer["prompt_tokens"] = length;
        answer["weights"] = LanguageModel.Types(generator.Model);
        answer["seconds"] = elapsed.TotalSeconds;
        answer["tokens_per_second"] = rate;
        if (parsed.GetValue(Json)) text = answer.ToJsonString(PromptLines.Plain) + "\n";
        if (parsed.GetValue(Target) is { } target) WriteWhole(target, text);
        else if (!isShown) Console.Write(text);
        Console.Error.WriteLine($"{length} tokens read in {Seconds(read)}, {tokens} written at {Tables.Number(rate, 1)} tokens/s ({Words(finish)})");
        return finish == FinishReason.Cancelled ? ExitCode.Interrupted : ExitCode.Success;
    }

    static int AnswerAll(ParseResult parsed, Generator generator, PromptLines lines, GenerationOptions options, CancellationToken cancellation)
    {
        string? target = parsed.GetValue(Target);
        string?[] answers = new string?[lines.Prompts.Count];
        int printed = 0, tokens = 0;
        Stopwatch clock = Stopwatch.StartNew();
        generator.Complete(lines.Prompts, options, parsed.GetValue(Batch), (number, generation) =>
        {
            cancellation.ThrowIfCancellationRequested();
            tokens += generation.Tokens.Count;
            answers[number] = lines.Answered(number, Describe(generation.Text, generation.Tokens.Count, generation.Finish));
            while (target is null && printed < answers.Length && answers[printed] is { } line)
            {
                Console.WriteLine(line);
                printed++;
            }
        }, cancellation);
        if (target is not null) WriteWhole(target, string.Concat(answers.Select(line => line + "\n")));
        Console.Error.WriteLine($"{answers.Length} answers, {tokens} tokens in {Seconds(clock.Elapsed)}: {Tables.Number(tokens / clock.Elapsed.TotalSeconds, 1)} tokens/s");
        return ExitCode.Success;
    }

    static JsonObject Describe(string text, int tokens, FinishReason finish) => new() { ["text"] = text, ["tokens"] = tokens, ["finish"] = Name(finish) };

    static string Name(FinishReason finish) => finish switch
    {
        FinishReason.EndToken => "end",
        FinishReason.StopText => "stop",
        FinishReason.TokenLimit => "limit",
        FinishReason.ContextFull => "context",
        _ => "interrupted",
    };

    static string Words(FinishReason finish) => finish switch
    {
        FinishReason.EndToken => "the model ended",
        FinishReason.StopText => "a stop text came",
        FinishReason.TokenLimit => "--max-tokens reached",
        FinishReason.ContextFull => "the context is full",
        _ => "interrupted",
    };

    static string Seconds(TimeSpan time) => $"{Tables.Number(time.TotalSeconds, 2)} s";

    static void WriteWhole(string path, string text) => WholeFile.Write(path, stream =>
    {
        using StreamWriter writer = new(stream, leaveOpen: true);
        writer.Write(text);
    });
}
