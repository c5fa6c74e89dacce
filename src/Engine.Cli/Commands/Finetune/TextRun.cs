using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Fine-tuning of a language model on instructions or plain text.</summary>
/// <param name="adaptation">Says whether the model itself is trained, or adapters beside it.</param>
sealed class TextRun(AdaptationArguments adaptation) : FinetuneBranch
{
    public override ModelKind Kind => ModelKind.LanguageModel;

    public override string Subject => "language model";

    public override IReadOnlyList<Option> Options =>
        [TextArguments.Tokenizer, TextArguments.Template, TextArguments.Cutoff, TextArguments.TrainOnPrompt, TextArguments.Pack];

    public override string Help =>
        "  Language models (LLaMA, Hugging Face): a JSON list or JSON lines of instruction, input and output, or a .txt file.\n" +
        "  With --peft weights of 16 bits stay in their file; without, all are widened to float32, 4 bytes each.\n" +
        "    engine finetune --model llama --data train.json --out run --peft lora --lr 3e-4 --epochs 3\n" +
        "    engine finetune --model llama --data train.json --val test.json --out run --template prompt.txt --cutoff 512 --pack";

    public override PreparedRun Prepare(ParseResult parsed, string folder, TrainingArguments arguments, TrainingOptions options)
    {
        WeightPrecision weights = adaptation.KeepsMatrices(parsed) ? WeightPrecision.Stored : WeightPrecision.Float32;
        LoadedModel<Llama> loaded = LanguageModel.Load(folder, options: new() { Seed = arguments.Seed(parsed), Weights = weights });
        Llama model = loaded.Model;
        (Tokenizer tokenizer, IReadOnlyDictionary<string, byte[]> files) = TextArguments.TokenizerOf(parsed, LanguageModel.TokenizerFolder(folder, adaptation.AdapterFolder(parsed)), model);
        Console.WriteLine($"{folder}: {loaded.Layout}, {model.ParameterCount:N0} parameters in {LanguageModel.Types(model)}, context {model.Config.MaximumLength:N0}");
        TextEncoding encoding = TextArguments.Encoding(parsed, model);
        bool plain = TextArguments.IsPlain(arguments.Data(parsed));
        if (plain && parsed.IsGiven(TextArguments.Template)) throw new UsageException($"{TextArguments.Template.Name} is for instructions; {arguments.Data(parsed)} is plain text.");
        var texts = plain ? TextArguments.Windows(parsed, arguments, tokenizer, encoding.Cutoff) : Instructions(parsed, arguments, tokenizer, encoding);
        int? packed = parsed.GetValue(TextArguments.Pack) ? encoding.Cutoff : null;
        TextTask task = TextArguments.Task(parsed, arguments, model, texts, packed, Describe(encoding));
        return new(task, loaded.Save, files, []);
    }

    static string Describe(TextEncoding encoding) => FormattableString.Invariant(
        $"cut at {encoding.Cutoff} tokens, {(encoding.TrainOnPrompt ? "prompt and answer" : "answer")} learned, template {encoding.Template.WithInput.ReplaceLineEndings("\\n")}");

    static (IReadOnlyList<TokenExample>, IReadOnlyList<TokenExample>) Instructions(ParseResult parsed, TrainingArguments arguments, Tokenizer tokenizer, TextEncoding encoding)
    {
        string path = arguments.Data(parsed);
        IReadOnlyList<InstructionExample> training = InstructionFile.Read(path), validation;
        string? held = arguments.Validation(parsed);
        if (held is not null) validation = InstructionFile.Read(held);
        else if (training.Count < 2) throw new DatasetException(path, "holds one example; none can be held out, so name validation data with --val");
        else (training, validation) = TextSplit.HoldOut(training, 0.1, arguments.Seed(parsed));
        return (Encode(path, training), Encode(held ?? path, validation));

        IReadOnlyList<TokenExample> Encode(string file, IReadOnlyList<InstructionExample> examples)
        {
            EncodedTexts texts = TextEncoder.Encode(tokenizer, examples, encoding, file);
            if (texts.Loss(encoding.Cutoff) is { } loss) Console.WriteLine($"note: {file}: {loss}");
            return texts.Examples;
        }
    }
}
