using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options of texts; finetune, pretrain and evaluate share them.</summary>
static class TextArguments
{
    public static Option<string?> Tokenizer { get; } = new("--tokenizer") { Description = "Texts: a folder with tokenizer.json or tokenizer.model; bytes, for one token a byte. By default the adapter's folder if it has one, then the model's, and bytes for a new model." };

    public static Option<string> Template { get; } = new("--template") { Description = "Texts: alpaca, llm-adapters, or a file with {instruction} and {input}: the text before an answer.", DefaultValueFactory = _ => "alpaca" };

    public static Option<int> Cutoff { get; } = new("--cutoff") { Description = "Texts: longest example in tokens; what is longer is cut.", DefaultValueFactory = _ => 256 };

    public static Option<bool> TrainOnPrompt { get; } = new("--train-on-prompt") { Description = "Texts: learn the instruction too, not the answer alone." };

    public static Option<bool> Pack { get; } = new("--pack") { Description = "Texts: put several examples into one sequence of --cutoff tokens, none seeing another." };

    /// <summary>The text before an answer.</summary>
    public static PromptTemplate TemplateOf(ParseResult parsed) => parsed.GetValue(Template)! switch
    {
        "alpaca" => PromptTemplate.Alpaca,
        "llm-adapters" => PromptTemplate.LlmAdapters,
        string file when File.Exists(file) => PromptTemplate.Read(file),
        string other => throw new UsageException($"{Template.Name} is '{other}'; choose alpaca, llm-adapters or the name of a file."),
    };

    /// <summary>The tokenizer asked for, and its files.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="folder">Where to look if no option says it; null for bytes.</param>
    public static (Tokenizer Tokenizer, IReadOnlyDictionary<string, byte[]> Files) TokenizerOf(ParseResult parsed, string? folder) =>
        (parsed.GetValue(Tokenizer) ?? folder ?? "bytes") switch
        {
            "bytes" => (ByteTokenizer.Create(), ByteTokenizer.Files()),
            string source => (Models.Tokenizer.Load(source), Models.Tokenizer.Files(source)),
        };

    /// <summary>The tokenizer of a model, which must not name tokens that the model does not know.</summary>
    public static (Tokenizer Tokenizer, IReadOnlyDictionary<string, byte[]> Files) TokenizerOf(ParseResult parsed, string folder, Llama model)
    {
        (Tokenizer tokenizer, IReadOnlyDictionary<string, byte[]> files) = TokenizerOf(parsed, folder);
        return tokenizer.VocabularySize <= model.Config.VocabularySize ? (tokenizer, files)
            : throw new CheckpointException(parsed.GetValue(Tokenizer) ?? folder, $"the tokenizer has {tokenizer.VocabularySize} tokens, the model knows {model.Config.VocabularySize}; it is another model's, so name the right one with {Tokenizer.Name}");
    }

    /// <summary>How examples become tokens of a model.</summary>
    public static TextEncoding Encoding(ParseResult parsed, Llama model)
    {
        int cutoff = parsed.GetValue(Cutoff);
        if (cutoff < 2) throw new UsageException($"{Cutoff.Name} is {cutoff}; it must be 2 or more.");
        if (cutoff - 1 > model.Config.MaximumLength)
        {
            if (parsed.IsGiven(Cutoff)) throw new UsageException($"{Cutoff.Name} is {cutoff}; the model's context is {model.Config.MaximumLength} tokens.");
            cutoff = model.Config.MaximumLength;
        }

        return new() { Template = TemplateOf(parsed), Cutoff = cutoff, TrainOnPrompt = parsed.GetValue(TrainOnPrompt) };
    }

    /// <summary>A file of plain text, which has no instructions.</summary>
    public static bool IsPlain(string path) => Path.GetExtension(path) is ".txt" or ".md";

    /// <summary>A plain text.</summary>
    /// <exception cref="DatasetException">It cannot be read.</exception>
    public static string ReadPlain(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(path, e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : $"cannot be read: {e.Message.TrimEnd('.')}", e);
        }
    }

    /// <summary>Training and validation windows of plain text.</summary>
    public static (IReadOnlyList<TokenExample> Training, IReadOnlyList<TokenExample> Validation) Windows(ParseResult parsed, TrainingArguments arguments, Tokenizer tokenizer, int length)
    {
        string path = arguments.Data(parsed), text = ReadPlain(path);
        string? held = arguments.Validation(parsed);
        (string kept, string rest) = held is null ? TextSplit.HoldOut(text, 0.1) : (text, ReadPlain(held));
        return (TextEncoder.Windows(tokenizer, kept, length, path), TextEncoder.Windows(tokenizer, rest, length, held ?? path));
    }

    /// <summary>A model on its texts.</summary>
    public static TextTask Task(ParseResult parsed, TrainingArguments arguments, Llama model,
        (IReadOnlyList<TokenExample> Training, IReadOnlyList<TokenExample> Validation) texts, int? packed, string description)
    {
        int batch = arguments.Batch(parsed);
        TextLoader training = new(texts.Training, new() { BatchSize = batch, PackedLength = packed, Shuffle = true, Seed = arguments.Seed(parsed) });
        TextLoader validation = new(texts.Validation, new() { BatchSize = batch });
        Console.WriteLine($"{training.ExampleCount:N0} training texts of {training.TokenCount:N0} tokens, {training.LabelCount:N0} of them learned{(packed is null ? "" : $", in {training.SequenceCount:N0} sequences")}; {validation.ExampleCount:N0} validation texts");
        return new(model, training, validation, description);
    }
}
