using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>Hugging Face transformers' <c>ViTForImageClassification</c>, and with an empty prefix <c>ViTModel</c>: queries, keys and values apart.</summary>
/// <param name="prefix">What the encoder's names begin with: <c>vit.</c> below a head.</param>
sealed class HuggingFaceVit(string prefix) : VitLayout
{
    const string HeadedArchitecture = "ViTForImageClassification";

    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.HuggingFace;

    /// <inheritdoc/>
    public override string Mark => $"{prefix}encoder.layer.0.attention.attention.query.weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = new(
        new("class_token", $"{prefix}embeddings.cls_token"),
        new("position_embedding", $"{prefix}embeddings.position_embeddings"),
        new("patch_embedding.*", $"{prefix}embeddings.patch_embeddings.projection.*"),
        new("blocks.*.norm1.*", $"{prefix}encoder.layer.*.layernorm_before.*"),
        new("blocks.*.attn.qkv.*",
            $"{prefix}encoder.layer.*.attention.attention.query.*",
            $"{prefix}encoder.layer.*.attention.attention.key.*",
            $"{prefix}encoder.layer.*.attention.attention.value.*"),
        new("blocks.*.attn.proj.*", $"{prefix}encoder.layer.*.attention.output.dense.*"),
        new("blocks.*.norm2.*", $"{prefix}encoder.layer.*.layernorm_after.*"),
        new("blocks.*.mlp.fc1.*", $"{prefix}encoder.layer.*.intermediate.dense.*"),
        new("blocks.*.mlp.fc2.*", $"{prefix}encoder.layer.*.output.dense.*"),
        new("norm.*", $"{prefix}layernorm.*"),
        new("head.*", "classifier.*"));

    /// <inheritdoc/>
    public override IReadOnlyList<string> Unused { get; } = [$"{prefix}pooler.dense.*"];

    /// <inheritdoc/>
    public override ModelLayout Headed => prefix.Length > 0 ? this : new HuggingFaceVit(HeadedPrefix);

    /// <inheritdoc/>
    public override string HeadedPrefix => prefix.Length > 0 ? "" : "vit.";

    /// <inheritdoc/>
    public override VitConfig Read(ConfigFile config) => ReadFlat(config, epsilon: 1e-12f, HuggingFaceLabels.Read(config, "ForImageClassification"));

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => HuggingFaceLabels.Set(config, classes, HeadedArchitecture);

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames(ConfigFile config) => HuggingFaceLabels.Names(config);

    /// <inheritdoc/>
    public override void SetClassNames(JsonObject config, IReadOnlyList<string> names) => HuggingFaceLabels.Name(config, names.Count, names);

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is VisionTransformer { Config.PreNorm: false } && model is VisionTransformer { Classes: > 0 } == prefix.Length > 0;

    /// <inheritdoc/>
    public override string? Lacks(Module model) => Beyond(((VisionTransformer)model).Config, qkvBias: true);

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder)
    {
        VitConfig vit = ((VisionTransformer)model).Config;
        JsonObject config = WriteFlat(vit);
        config.Insert(0, "architectures", new JsonArray(vit.Classes > 0 ? HeadedArchitecture : "ViTModel"));
        config.Insert(1, "model_type", "vit");
        config["qkv_bias"] = vit.QkvBias;
        if (vit.Classes > 0) HuggingFaceLabels.Name(config, vit.Classes, null);
        return ConfigFile.Write(config);
    }
}
