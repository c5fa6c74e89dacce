using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>
/// adapter_config.json: the PEFT library's for LoRA, and that of LLM-Adapters (<c>peft_type</c> BOTTLENECK) for series and
/// parallel adapters, for which the PEFT library has no kind. Keys that are not known here are kept.
/// </summary>
static class AdapterConfig
{
    public const string Name = "adapter_config.json";

    // LLM-Adapters decides by the layer's name whether a series adapter stands before or behind it; this key decides here.
    const string PlacementKey = "adapter_placement";

    const string BaseKey = "base_model_name_or_path", TargetsKey = "target_modules";

    // Options that change what the tensors mean and that this engine does not have.
    static readonly string[] Foreign =
    [
        "use_dora", "lora_bias", "use_qalora", "layer_replication", "target_parameters", "trainable_token_indices",
        "alora_invocation_tokens", "arrow_config", "megatron_config", "loftq_config", "quantization_config", "load_in_8bit", "load_in_4bit",
    ];

    // Starts that take something out of the base weights, without which the adapter does not fit them.
    static readonly string[] ForeignStarts = ["pissa", "olora", "corda", "loftq"];

    /// <summary>Opens a folder's config.</summary>
    public static ConfigFile Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!Directory.Exists(folder)) throw new CheckpointException(folder, "there is no such folder");
        if (!File.Exists(path))
            throw new CheckpointException(folder, $"holds no {Name}; an adapter folder has it beside {AdapterFolder.WeightsName}{(File.Exists(Path.Combine(folder, ConfigFile.Name)) ? ", and this one is a whole model" : "")}");
        try
        {
            return ConfigFile.Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"cannot be opened: {e.Message}", innerException: e);
        }
    }

    /// <summary>The settings that a config describes; targets are left to <see cref="Targets"/>.</summary>
    /// <exception cref="CheckpointException">A kind of adapter or an option that this engine does not have, by name.</exception>
    public static AdapterOptions Parse(ConfigFile config)
    {
        JsonObject json = Json(config);
        foreach (string key in Foreign)
            if (IsGiven(json[key])) throw config.Fault($"\"{key}\" is {json[key]!.ToJsonString()}, an option that this engine does not have; merge the adapter with the library that made it");
        AdapterOptions options = config.Text("peft_type") switch
        {
            "LORA" => ParseLora(config, json),
            "BOTTLENECK" => ParseBottleneck(config, json),
            string other => throw config.Fault($"\"peft_type\" is \"{other}\"; known are LORA and BOTTLENECK"),
        };
        try
        {
            options.Validate();
        }
        catch (ArgumentException e)
        {
            throw config.Fault(e.Message.TrimEnd('.'));
        }

        return options;
    }

    static LoraOptions ParseLora(ConfigFile config, JsonObject json)
    {
        if (json["init_lora_weights"] is JsonValue start && start.TryGetValue(out string? name) && ForeignStarts.Any(foreign => name.StartsWith(foreign, StringComparison.OrdinalIgnoreCase)))
            throw config.Fault($"\"init_lora_weights\" is \"{name}\", which changes the base weights as well; convert the adapter to a plain LoRA with the library that made it");
        ConfigFile ranks = config.Section("rank_pattern"), alphas = config.Section("alpha_pattern");
        return new()
        {
            Targets = Targets(config).Names,
            Rank = config.Integer("r", 8),
            Alpha = config.Number("lora_alpha", 8),
            Dropout = config.Number("lora_dropout", 0),
            RankStabilized = config.Flag("use_rslora", false),
            Bias = ParseBias(config, "lora_only"),
            RankPattern = ranks.Keys.ToDictionary(key => key, key => ranks.Integer(key)),
            AlphaPattern = alphas.Keys.ToDictionary(key => key, key => alphas.Number(key)),
        };
    }

    static BottleneckOptions ParseBottleneck(ConfigFile config, JsonObject json)
    {
        if (json["scaling"] is JsonValue scaling && scaling.TryGetValue(out string? text))
            throw config.Fault($"\"scaling\" is \"{text}\"; this engine has fixed numbers only");
        if (config.Flag("use_adapterp", false)) throw config.Fault("\"use_adapterp\" is true, an option that this engine does not have");
        BottleneckOptions options = config.Flag("use_parallel_adapter", false) ? new ParallelAdapterOptions { Targets = [] } : new SeriesAdapterOptions
        {
            Targets = [],
            Placement = config.Text(PlacementKey, "") switch
            {
                "" => null,
                "after" => AdapterPlacement.After,
                "before" => AdapterPlacement.Before,
                string other => throw config.Fault($"\"{PlacementKey}\" is \"{other}\"; known are before and after"),
            },
        };
        return options with
        {
            Targets = Targets(config).Names,
            Bottleneck = config.Integer("bottleneck_size", 256),
            Scaling = config.Number("scaling", 1),
            Dropout = config.Number("adapter_dropout", 0),
            Bias = ParseBias(config, "adapter_only"),
            Activation = config.Text("non_linearity", "tanh") switch
            {
                "tanh" => Activation.Tanh,
                "relu" => Activation.Relu,
                "gelu" => Activation.Gelu,
                "gelu_new" or "gelu_pytorch_tanh" => Activation.GeluTanh,
                "quick_gelu" => Activation.QuickGelu,
                "silu" or "swish" => Activation.Silu,
                string other => throw config.Fault($"\"non_linearity\" is \"{other}\"; known are tanh, relu, gelu, gelu_new, quick_gelu and silu"),
            },
        };
    }

    static AdapterBias ParseBias(ConfigFile config, string adaptedOnly) => config.Text("bias", "none") switch
    {
        "none" => AdapterBias.None,
        "all" => AdapterBias.All,
        string text when text == adaptedOnly => AdapterBias.AdaptedOnly,
        string other => throw config.Fault($"\"bias\" is \"{other}\"; known are none, all and {adaptedOnly}"),
    };

    /// <summary>The target modules: a list of names, or one regular expression for whole names.</summary>
    public static (IReadOnlyList<string> Names, bool IsExpression) Targets(ConfigFile config) => Json(config)[TargetsKey] switch
    {
        JsonValue => ([config.Text(TargetsKey)], config.Text(TargetsKey) != AdapterSite.AllLinear),
        _ => (config.Texts(TargetsKey), false),
    };

    /// <summary>True if the config narrows its targets in ways that only the tensors of the file tell.</summary>
    public static bool NarrowsTargets(ConfigFile config) =>
        config.Has("layers_to_transform") || config.Has("exclude_modules") || config.Has("layers_pattern");

    /// <summary>What the adapter was trained on; empty where the config does not say.</summary>
    public static string BaseModel(ConfigFile config) => config.Text(BaseKey, "");

    /// <summary>The config's text with another base model.</summary>
    public static byte[] WithBaseModel(ConfigFile config, string baseModel) =>
        BaseModel(config) == baseModel ? config.Bytes : config.With(json => json[BaseKey] = baseModel);

    /// <summary>The config of new adapters, its keys sorted as the PEFT library sorts them.</summary>
    /// <param name="set">The adapters.</param>
    /// <param name="targets">The library's names of what they adapt, no longer than needed.</param>
    /// <param name="modulesToSave">The library's names of the modules saved with them.</param>
    public static byte[] Write(AdapterSet set, IReadOnlyList<string> targets, IReadOnlyList<string> modulesToSave)
    {
        SortedDictionary<string, JsonNode?> json = new(StringComparer.Ordinal)
        {
            [BaseKey] = null,
            ["inference_mode"] = true,
            ["modules_to_save"] = modulesToSave.Count == 0 ? null : ListOf(modulesToSave),
            [TargetsKey] = ListOf(targets),
            ["task_type"] = null,
        };
        if (set.Options is LoraOptions lora) WriteLora(lora, json);
        else if (set.Options is BottleneckOptions bottleneck) WriteBottleneck(bottleneck, json);
        JsonObject sorted = [];
        foreach (var (key, value) in json) sorted.Add(key, value);
        return ConfigFile.Write(sorted);
    }

    static void WriteLora(LoraOptions options, SortedDictionary<string, JsonNode?> json)
    {
        (json["peft_type"], json["r"], json["lora_alpha"], json["lora_dropout"]) = ("LORA", options.Rank, options.Alpha, options.Dropout);
        (json["use_rslora"], json["use_dora"], json["fan_in_fan_out"], json["init_lora_weights"]) = (options.RankStabilized, false, false, true);
        json["bias"] = WriteBias(options.Bias, "lora_only");
        json["rank_pattern"] = new JsonObject([.. options.RankPattern.Select(pair => KeyValuePair.Create(Expression(pair.Key), (JsonNode?)pair.Value))]);
        json["alpha_pattern"] = new JsonObject([.. options.AlphaPattern.Select(pair => KeyValuePair.Create(Expression(pair.Key), (JsonNode?)pair.Value))]);
    }

    static void WriteBottleneck(BottleneckOptions options, SortedDictionary<string, JsonNode?> json)
    {
        (json["peft_type"], json["bottleneck_size"], json["adapter_dropout"], json["scaling"]) = ("BOTTLENECK", options.Bottleneck, options.Dropout, options.Scaling);
        (json["use_parallel_adapter"], json["init_weights"]) = (options is ParallelAdapterOptions, "mam_adapter");
        json["bias"] = WriteBias(options.Bias, "adapter_only");
        json["non_linearity"] = options.Activation switch
        {
            Activation.Tanh => "tanh",
            Activation.Relu => "relu",
            Activation.Gelu => "gelu",
            Activation.GeluTanh => "gelu_new",
            Activation.QuickGelu => "quick_gelu",
            _ => "silu",
        };
        if (options is SeriesAdapterOptions { Placement: { } placement }) json[PlacementKey] = placement == AdapterPlacement.Before ? "before" : "after";
    }

    static string WriteBias(AdapterBias bias, string adaptedOnly) => bias switch
    {
        AdapterBias.None => "none",
        AdapterBias.All => "all",
        _ => adaptedOnly,
    };

    // A pattern as the library reads it, a regular expression for the end of a name.
    static string Expression(string pattern) => pattern.Replace("*", ".*", StringComparison.Ordinal).Replace('?', '.');

    static JsonArray ListOf(IReadOnlyList<string> texts) => [.. texts.Select(text => (JsonNode?)text)];

    static JsonObject Json(ConfigFile config) => JsonNode.Parse(config.Bytes)!.AsObject();

    static bool IsGiven(JsonNode? value) => value switch
    {
        null => false,
        JsonObject fields => fields.Count > 0,
        JsonArray items => items.Count > 0,
        JsonValue single when single.TryGetValue(out bool flag) => flag,
        _ => true,
    };
}
