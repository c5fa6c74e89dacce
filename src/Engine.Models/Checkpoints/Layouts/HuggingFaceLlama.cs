using System.Text.Json.Nodes;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>Hugging Face transformers' <c>LlamaForCausalLM</c>, and with an empty prefix <c>LlamaModel</c>, which has no head of its own.</summary>
/// <param name="prefix">What the names below the head begin with: <c>model.</c></param>
sealed class HuggingFaceLlama(string prefix) : ModelLayout
{
    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.HuggingFace;

    /// <inheritdoc/>
    public override ModelKind Kind => ModelKind.LanguageModel;

    /// <inheritdoc/>
    public override string Family => "LLaMA";

    /// <inheritdoc/>
    public override string Mark => $"{prefix}layers.0.self_attn.q_proj.weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = new(
        new("embed.weight", $"{prefix}embed_tokens.weight"),
        new("layers.*.norm1.weight", $"{prefix}layers.*.input_layernorm.weight"),
        new("layers.*.attn.q.*", $"{prefix}layers.*.self_attn.q_proj.*"),
        new("layers.*.attn.k.*", $"{prefix}layers.*.self_attn.k_proj.*"),
        new("layers.*.attn.v.*", $"{prefix}layers.*.self_attn.v_proj.*"),
        new("layers.*.attn.o.*", $"{prefix}layers.*.self_attn.o_proj.*"),
        new("layers.*.norm2.weight", $"{prefix}layers.*.post_attention_layernorm.weight"),
        new("layers.*.mlp.gate.*", $"{prefix}layers.*.mlp.gate_proj.*"),
        new("layers.*.mlp.up.*", $"{prefix}layers.*.mlp.up_proj.*"),
        new("layers.*.mlp.down.*", $"{prefix}layers.*.mlp.down_proj.*"),
        new("norm.weight", $"{prefix}norm.weight"),
        new("head.weight", "lm_head.weight"));

    // Angles that early conversions stored; config.json says how they come about.
    /// <inheritdoc/>
    public override IReadOnlyList<string> Unused { get; } = ["*.rotary_emb.inv_freq"];

    // The head tells tokens apart, not classes that could be others: there is nothing to replace.
    /// <inheritdoc/>
    public override string Head => "classifier";

    /// <inheritdoc/>
    public override ModelPlan Plan(ConfigFile config, LoadOptions options)
    {
        if (options.Classes is not null || options.FreshHead || options.ImageSize is not null)
            throw config.Fault("describes a language model, which has no classes and no image size");
        LlamaConfig llama = Read(config);
        if (prefix.Length == 0) llama = llama with { HasHead = llama.TiedEmbeddings };
        try
        {
            llama.Validated();
        }
        catch (ArgumentException e)
        {
            throw config.Fault($"describes no LLaMA: {e.Message.TrimEnd('.')}");
        }

        ModelPlan plan = new(0, 0, [new("layers.*.norm1.weight", llama.Depth)], at => new Llama(at, llama));
        if (llama.TiedEmbeddings) plan.Repeated.Add("lm_head.weight", "embed.weight");
        return plan;
    }

    /// <summary>Reads the library's config.json; what is absent has the library's defaults.</summary>
    static LlamaConfig Read(ConfigFile config)
    {
        if (config.Text("model_type", "llama") is not "llama" and string type)
            throw config.Fault($"\"model_type\" is \"{type}\"; of the models with these tensors, llama is known");
        if (config.Text("hidden_act", "silu") is not ("silu" or "swish") and string activation)
            throw config.Fault($"\"hidden_act\" is \"{activation}\"; a LLaMA has silu");
        if (config.Has("quantization_config"))
            throw config.Fault($"\"quantization_config\" says that the weights are quantized ({config.Section("quantization_config").Text("quant_method", "by no named method")}); get the model in float16, bfloat16 or float32");
        int width = config.Integer("hidden_size"), heads = config.Integer("num_attention_heads");
        return new()
        {
            VocabularySize = config.Integer("vocab_size"),
            Width = width,
            MlpWidth = config.Integer("intermediate_size"),
            Depth = config.Integer("num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = config.Integer("num_key_value_heads", heads),
            HeadSize = config.Integer("head_dim", heads > 0 ? width / heads : 0),
            MaximumLength = config.Integer("max_position_embeddings", 2048),
            Epsilon = config.Number("rms_norm_eps", 1e-6f),
            RotaryBase = ReadRotaryBase(config),
            RotaryScaling = ReadRotaryScaling(config),
            TiedEmbeddings = config.Flag("tie_word_embeddings", false),
            AttentionBias = config.Flag("attention_bias", false),
            MlpBias = config.Flag("mlp_bias", false),
            BeginId = config.Has("bos_token_id") ? config.Integer("bos_token_id") : null,
            EndIds = config.IntegersOrOne("eos_token_id"),
        };
    }

    // The library's version 5 writes rope_parameters, with the base in it; before, it was rope_scaling beside rope_theta.
    static ConfigFile Scaling(ConfigFile config) => config.Section(config.Has("rope_parameters") ? "rope_parameters" : "rope_scaling");

    static double ReadRotaryBase(ConfigFile config) => Scaling(config).Number("rope_theta", config.Number("rope_theta", 10000));

    static RotaryScaling? ReadRotaryScaling(ConfigFile config)
    {
        ConfigFile scaling = Scaling(config);
        return scaling.Text("rope_type", scaling.Text("type", "default")) switch
        {
            "default" => null,
            "linear" => RotaryScaling.Linear(scaling.Number("factor")),
            "llama3" => new(scaling.Number("factor"), scaling.Number("low_freq_factor"), scaling.Number("high_freq_factor"), scaling.Integer("original_max_position_embeddings")),
            string other => throw config.Fault($"the rotary scaling is of type \"{other}\"; known are default, linear and llama3"),
        };
    }

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is Llama llama && llama.Config.HasHead == prefix.Length > 0;

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder)
    {
        LlamaConfig llama = ((Llama)model).Config;
        JsonObject config = new()
        {
            ["architectures"] = new JsonArray(llama.HasHead ? "LlamaForCausalLM" : "LlamaModel"),
            ["model_type"] = "llama",
            ["vocab_size"] = llama.VocabularySize,
            ["hidden_size"] = llama.Width,
            ["intermediate_size"] = llama.MlpWidth,
            ["num_hidden_layers"] = llama.Depth,
            ["num_attention_heads"] = llama.Heads,
            ["num_key_value_heads"] = llama.KeyValueHeads,
            ["head_dim"] = llama.HeadSize,
            ["max_position_embeddings"] = llama.MaximumLength,
            ["rms_norm_eps"] = llama.Epsilon,
            ["rope_theta"] = llama.RotaryBase,
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = llama.TiedEmbeddings,
            ["attention_bias"] = llama.AttentionBias,
            ["mlp_bias"] = llama.MlpBias,
            ["torch_dtype"] = "float32",
            ["bos_token_id"] = llama.BeginId,
            ["eos_token_id"] = llama.EndIds switch
            {
                [] => null,
                [int one] => one,
                _ => new JsonArray([.. llama.EndIds.Select(id => JsonValue.Create(id))]),
            },
        };
        if (llama.RotaryScaling is { } scaling) config["rope_scaling"] = Write(scaling);
        return ConfigFile.Write(config);
    }

    static JsonObject Write(RotaryScaling scaling) => scaling == RotaryScaling.Linear(scaling.Factor)
        ? new() { ["rope_type"] = "linear", ["factor"] = scaling.Factor }
        : new()
        {
            ["rope_type"] = "llama3",
            ["factor"] = scaling.Factor,
            ["low_freq_factor"] = scaling.LowFrequencyFactor,
            ["high_freq_factor"] = scaling.HighFrequencyFactor,
            ["original_max_position_embeddings"] = scaling.OriginalLength,
        };
}
