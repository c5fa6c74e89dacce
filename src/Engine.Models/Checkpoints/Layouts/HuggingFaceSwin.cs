using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>
/// Hugging Face transformers' <c>SwinForImageClassification</c>, and with an empty prefix <c>SwinModel</c>: queries, keys and
/// values apart, patches merged at the end of a stage.
/// </summary>
/// <param name="prefix">What the encoder's names begin with: <c>swin.</c> below a head.</param>
sealed class HuggingFaceSwin(string prefix) : SwinLayout
{
    const string HeadedArchitecture = "SwinForImageClassification";

    // The library's embeddings and mergings have this one whatever config.json says.
    const float Epsilon = 1e-5f;

    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.HuggingFace;

    /// <inheritdoc/>
    public override string Mark => $"{prefix}encoder.layers.0.blocks.0.attention.self.query.weight";

    /// <inheritdoc/>
    protected override WindowRule Rule => WindowRule.Pad;

    /// <inheritdoc/>
    public override NameTable Names { get; } = Encoder(
        prefix,
        new("norm.*", $"{prefix}layernorm.*"),
        new("head.*", "classifier.*"));

    /// <inheritdoc/>
    public override IReadOnlyList<string> Unused { get; } = [$"{prefix}encoder.layers.*.relative_position_index"];

    /// <inheritdoc/>
    public override ModelLayout Headed => prefix.Length > 0 ? this : new HuggingFaceSwin(HeadedPrefix);

    /// <inheritdoc/>
    public override string HeadedPrefix => prefix.Length > 0 ? "" : "swin.";

    /// <summary>The backbone's names, with rows for what stands on it.</summary>
    public static NameTable Encoder(string prefix, params NameRow[] others) => Table(
        stage => $"{prefix}encoder.layers.{stage}.blocks.*",
        stage => $"{prefix}encoder.layers.{stage - 1}.downsample",
        [
            ("norm1.*", ["layernorm_before.*"]),
            ("attn.qkv.*", ["attention.self.query.*", "attention.self.key.*", "attention.self.value.*"]),
            ("attn.proj.*", ["attention.output.dense.*"]),
            ("position_bias.table", ["attention.self.relative_position_bias_table"]),
            ("norm2.*", ["layernorm_after.*"]),
            ("mlp.fc1.*", ["intermediate.dense.*"]),
            ("mlp.fc2.*", ["output.dense.*"]),
        ],
        [
            new("backbone.patch_embedding.*", $"{prefix}embeddings.patch_embeddings.projection.*"),
            new("backbone.patch_norm.*", $"{prefix}embeddings.norm.*"),
            .. others,
        ]);

    /// <inheritdoc/>
    protected override SwinConfig Read(ConfigFile config) => ReadEncoder(config, HuggingFaceLabels.Read(config, "ForImageClassification"));

    /// <summary>The library's <c>SwinConfig</c>, of a model or of a backbone in another.</summary>
    public static SwinConfig ReadEncoder(ConfigFile config, int classes)
    {
        if (config.Flag("use_absolute_embeddings", false))
            throw config.Fault("\"use_absolute_embeddings\" is true; this engine's Swin has relative positions only");
        SwinConfig swin = ReadFlat(config, classes, WindowRule.Pad);
        return swin.Epsilon == Epsilon ? swin
            : throw config.Fault($"\"layer_norm_eps\" is {swin.Epsilon}; the library uses it in some norms and {Epsilon} in others, this engine knows {Epsilon} only");
    }

    /// <summary>The keys that <see cref="ReadEncoder"/> reads.</summary>
    public static JsonObject WriteEncoder(SwinConfig swin)
    {
        JsonObject config = WriteFlat(swin);
        config.Remove("architecture");
        config.Remove("num_labels");
        config["model_type"] = "swin";
        return config;
    }

    /// <summary>What the library's Swin does not have, whatever stands on it.</summary>
    public static string? LacksEncoder(SwinConfig swin) => swin.Epsilon == Epsilon ? null : $"epsilon of {swin.Epsilon} in all norms";

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => HuggingFaceLabels.Set(config, classes, HeadedArchitecture);

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames(ConfigFile config) => HuggingFaceLabels.Names(config);

    /// <inheritdoc/>
    public override void SetClassNames(JsonObject config, IReadOnlyList<string> names) => HuggingFaceLabels.Name(config, names.Count, names);

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is SwinTransformer swin && swin.Classes > 0 == prefix.Length > 0;

    /// <inheritdoc/>
    public override string? Lacks(Module model) => LacksEncoder(((SwinTransformer)model).Config) ?? base.Lacks(model);

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder)
    {
        SwinConfig swin = ((SwinTransformer)model).Config;
        JsonObject config = WriteEncoder(swin);
        config["architectures"] = new JsonArray(prefix.Length > 0 ? HeadedArchitecture : "SwinModel");
        config["num_labels"] = swin.Classes;
        return ConfigFile.Write(config);
    }
}
