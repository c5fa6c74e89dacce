using System.CommandLine;
using Engine.Models;

namespace Engine.Cli;

/// <summary>The options of adapters: new ones of a kind, or those of a folder to go on from.</summary>
sealed class PeftArguments
{
    readonly Option<string?> kind = new("--peft") { Description = "Train adapters instead of the model: lora, series or parallel. They are saved as a PEFT folder; the model stays as it is." };
    readonly Option<string?> adapter = new("--adapter") { Description = "Start from an adapter folder." };
    readonly Option<string[]> targets = new("--target") { Description = "Linear layers to adapt, by name, end of a name or pattern: --target q_proj v_proj. By default qkv, or q, k, v, up and down, for lora.", AllowMultipleArgumentsPerToken = true };
    readonly Option<int> rank = new("--rank") { Description = "LoRA's rank.", DefaultValueFactory = _ => 8 };
    readonly Option<float> alpha = new("--alpha") { Description = "LoRA's alpha: the update is scaled by alpha / rank.", DefaultValueFactory = _ => 16f };
    readonly Option<bool> rankStabilized = new("--rslora") { Description = "Scale LoRA's update by alpha / sqrt(rank)." };
    readonly Option<int> bottleneck = new("--bottleneck") { Description = "Width inside series and parallel adapters.", DefaultValueFactory = _ => 256 };
    readonly Option<float> dropout = new("--peft-dropout") { Description = "Dropout on the adapters' input.", DefaultValueFactory = _ => 0f };
    readonly Option<string> bias = new("--peft-bias") { Description = "Biases trained beside the adapters: none, all or adapted.", DefaultValueFactory = _ => "none" };

    public IReadOnlyList<Option> Options => [kind, adapter, targets, rank, alpha, rankStabilized, bottleneck, dropout, bias];

    /// <summary>True if adapters are trained.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(kind) is not null || parsed.GetValue(adapter) is not null;

    /// <summary>The adapter folder to start from, or null.</summary>
    public string? Folder(ParseResult parsed) => parsed.GetValue(adapter);

    /// <summary>Which option said so, for messages.</summary>
    public string NameOf(ParseResult parsed) => parsed.GetValue(kind) is null ? adapter.Name : kind.Name;

    /// <summary>Faults that show before anything is loaded.</summary>
    public void Check(ParseResult parsed)
    {
        string? chosen = parsed.GetValue(kind);
        if (chosen is not (null or "lora" or "series" or "parallel")) throw new UsageException($"{kind.Name} is '{chosen}'; choose lora, series or parallel.");
        if (chosen is not null && parsed.GetValue(adapter) is not null)
            throw new UsageException($"{adapter.Name} brings adapters of its own kind; leave {kind.Name} out, or the folder.");
        Option[] idle = chosen switch
        {
            null => [targets, rank, alpha, rankStabilized, bottleneck, dropout, bias],
            "lora" => [bottleneck],
            _ => [rank, alpha, rankStabilized],
        };
        foreach (Option option in idle)
            if (parsed.IsGiven(option)) throw new UsageException($"{option.Name} does nothing {(chosen is null ? $"without {kind.Name}" : $"with {kind.Name} {chosen}")}.");
    }

    /// <summary>Attaches the adapters to a model.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="model">The model.</param>
    /// <param name="head">Parameters trained beside them, as patterns.</param>
    /// <exception cref="UsageException">A target fits nothing, or a setting makes no sense.</exception>
    public AdapterSet Attach(ParseResult parsed, Module model, IReadOnlyList<string> head)
    {
        if (parsed.GetValue(adapter) is { } folder) return Peft.Load(model, folder);
        try
        {
            return Peft.Attach(model, New(parsed, model, head));
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"{kind.Name}: {exception.Message}");
        }
    }

    AdapterOptions New(ParseResult parsed, Module model, IReadOnlyList<string> head)
    {
        IReadOnlyList<string> Targets<TOptions>() where TOptions : AdapterOptions => parsed.GetValue(targets) is { Length: > 0 } named ? named : Peft.UsualTargets<TOptions>(model);
        AdapterOptions options = parsed.GetValue(kind) switch
        {
            "lora" => new LoraOptions { Targets = Targets<LoraOptions>(), Rank = parsed.GetValue(rank), Alpha = parsed.GetValue(alpha), RankStabilized = parsed.GetValue(rankStabilized) },
            "series" => new SeriesAdapterOptions { Targets = Targets<SeriesAdapterOptions>(), Bottleneck = parsed.GetValue(bottleneck), Placement = null },
            _ => new ParallelAdapterOptions { Targets = Targets<ParallelAdapterOptions>(), Bottleneck = parsed.GetValue(bottleneck) },
        };
        return options with
        {
            Dropout = parsed.GetValue(dropout),
            Bias = parsed.Choose(bias, ("none", AdapterBias.None), ("all", AdapterBias.All), ("adapted", AdapterBias.AdaptedOnly)),
            AlsoTrain = head,
        };
    }

    /// <summary>The choice in a few words: what a resumed run must agree on.</summary>
    public static string Describe(AdapterSet adapters) => $"{adapters.Options.GetType().Name[..^"Options".Length]} on {string.Join(' ', adapters.Options.Targets)}, {adapters.ParameterCount} parameters";
}
