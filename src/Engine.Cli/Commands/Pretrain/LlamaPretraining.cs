using System.CommandLine;
using System.Text;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>A LLaMA from scratch, on plain text.</summary>
sealed class LlamaPretraining : PretrainBranch
{
    static readonly Option<int?> KeyValueHeads = new("--kv-heads") { Description = "Texts: heads of keys and values; fewer than --heads for grouped queries." };
    static readonly Option<int?> MlpWidth = new("--mlp") { Description = "Texts: width inside the gated MLP; by default 8/3 of --width, as LLaMA has it." };
    static readonly Option<int> Context = new("--context") { Description = "Texts: longest sequence in tokens.", DefaultValueFactory = _ => 256 };
    static readonly Option<bool> Untied = new("--untied") { Description = "Texts: a head of its own, not the embedding used twice." };

    public override ModelKind Kind => ModelKind.LanguageModel;

    public override string Subject => "language model";

    public override string Family => "llama";

    public override IReadOnlyList<Option> Options =>
        [ModelSize.Width, ModelSize.Depth, ModelSize.Heads, KeyValueHeads, MlpWidth, Context, Untied, TextArguments.Tokenizer];

    public override string Help =>
        "  llama, a language model: a file of plain text. The result is a Hugging Face LLaMA folder with its tokenizer.\n" +
        "    engine pretrain --family llama --data shakespeare.txt --out llama-small --width 256 --heads 8 --kv-heads 4 --epochs 5\n" +
        "    engine pretrain --family llama --data book.txt --tokenizer llama-2 --context 512 --out llama-book";

    public override PreparedRun Prepare(ParseResult parsed, TrainingArguments arguments)
    {
        (Tokenizer tokenizer, IReadOnlyDictionary<string, byte[]> files) = TextArguments.TokenizerOf(parsed, folder: null);
        Llama model = new(Config(parsed, tokenizer), arguments.Seed(parsed));
        LlamaConfig config = model.Config;
        Console.WriteLine($"{config.Depth} blocks of width {config.Width}, {model.ParameterCount:N0} parameters, {config.VocabularySize:N0} tokens, context {config.MaximumLength}");
        var windows = TextArguments.Windows(parsed, arguments, tokenizer, config.MaximumLength);
        TextTask task = TextArguments.Task(parsed, arguments, model, windows, packed: null, $"windows of {config.MaximumLength}");
        Dictionary<string, byte[]> companions = new(files) { ["generation_config.json"] = Generation(config) };
        return new(task, (target, beside) => ModelFolder.Save(model, target, beside), companions, []);
    }

    static LlamaConfig Config(ParseResult parsed, Tokenizer tokenizer)
    {
        int width = parsed.GetValue(ModelSize.Width), heads = parsed.GetValue(ModelSize.Heads);
        try
        {
            if (heads < 1 || width % heads != 0) throw new ArgumentException($"{width} is no multiple of {heads} heads.");
            return new LlamaConfig
            {
                VocabularySize = tokenizer.VocabularySize,
                Width = width,
                MlpWidth = parsed.GetValue(MlpWidth) ?? (8 * width / 3 + 31) / 32 * 32,
                Depth = parsed.GetValue(ModelSize.Depth),
                Heads = heads,
                KeyValueHeads = parsed.GetValue(KeyValueHeads) ?? heads,
                HeadSize = width / heads,
                MaximumLength = parsed.GetValue(Context),
                TiedEmbeddings = !parsed.GetValue(Untied),
                BeginId = tokenizer.BeginId,
                EndIds = tokenizer.EndId is { } end ? [end] : [],
            }.Validated();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"--width, --depth, --heads, {KeyValueHeads.Name}, {MlpWidth.Name} or {Context.Name}: {exception.Message}");
        }
    }

    static byte[] Generation(LlamaConfig config)
    {
        List<string> lines = [];
        if (config.BeginId is { } begin) lines.Add($"  \"bos_token_id\": {begin}");
        if (config.EndIds is [int end, ..]) lines.Add($"  \"eos_token_id\": {end}");
        return Encoding.UTF8.GetBytes($"{{\n{string.Join(",\n", lines)}\n}}\n");
    }
}
