using System.Globalization;
using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>Hugging Face transformers' <c>ViTForImageClassification</c>, and with an empty prefix <c>ViTModel</c>: queries, keys and values apart.</summary>
/// <param name="prefix">What the encoder's names begin with: <c>vit.</c> below a head.</param>
sealed class HuggingFaceVit(string prefix) : VitLayout
{
    const string HeadedArchitecture = "ViTForImageClassification";
    const int DefaultClasses = 2;               // the library's own, for a config that names none

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
    public override VitConfig Read(ConfigFile config) => ReadFlat(config, epsilon: 1e-12f, ReadClasses(config));

    static int ReadClasses(ConfigFile config)
    {
        if (config.Texts("architectures") is { Count: > 0 } architectures && !architectures.Any(name => name.EndsWith("ForImageClassification", StringComparison.Ordinal)))
            return 0;
        return config.Has("num_labels") ? config.Integer("num_labels") : config.Has("id2label") ? config.Section("id2label").Keys.Count() : DefaultClasses;
    }

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes)
    {
        (JsonObject names, JsonObject numbers) = Labels(classes, null);     // the old ones stand for classes that are no more
        if (config.ContainsKey("architectures")) config["architectures"] = new JsonArray(HeadedArchitecture);
        if (config.ContainsKey("num_labels")) config["num_labels"] = classes;
        if (!config.ContainsKey("num_labels") || config.ContainsKey("id2label")) (config["id2label"], config["label2id"]) = (names, numbers);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames(ConfigFile config)
    {
        ConfigFile labels = config.Section("id2label");
        string[] names = [.. Enumerable.Range(0, labels.Keys.Count()).Select(i => labels.Text(Number(i), Placeholder(i)))];
        return names.Where((name, i) => name != Placeholder(i)).Any() ? names : null;
    }

    /// <inheritdoc/>
    public override void SetClassNames(JsonObject config, IReadOnlyList<string> names) =>
        (config["id2label"], config["label2id"]) = Labels(names.Count, names);

    // The library counts these.
    static (JsonObject Names, JsonObject Numbers) Labels(int classes, IReadOnlyList<string>? known)
    {
        JsonObject names = [], numbers = [];
        for (int i = 0; i < classes; i++)
        {
            string name = known?[i] ?? Placeholder(i);
            names[Number(i)] = name;
            numbers[name] = i;
        }

        return (names, numbers);
    }

    static string Placeholder(int label) => $"LABEL_{Number(label)}";

    static string Number(int label) => label.ToString(CultureInfo.InvariantCulture);

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
        if (vit.Classes > 0) (config["id2label"], config["label2id"]) = Labels(vit.Classes, null);
        return ConfigFile.Write(config);
    }
}
