using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Engine.Models;

/// <summary>
/// timm's <c>vision_transformer</c>. Its config.json comes in two forms: flat, with <c>hidden_size</c> and the like, and the
/// hub's, which names an architecture (<c>vit_base_patch16_224</c>) and what departs from it in <c>model_args</c>.
/// </summary>
sealed partial class TimmVit : VitLayout
{
    // Arguments that change nothing about inference or that LoadOptions sets.
    static readonly string[] Harmless = ["drop_rate", "drop_path_rate", "pos_drop_rate", "proj_drop_rate", "attn_drop_rate", "patch_drop_rate", "weight_init", "fix_init", "dynamic_img_size", "dynamic_img_pad"];

    static readonly string[] Understood = ["img_size", "patch_size", "in_chans", "num_classes", "embed_dim", "depth", "num_heads", "mlp_ratio", "qkv_bias", "init_values", "class_token", "global_pool", "act_layer"];

    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.Timm;

    /// <inheritdoc/>
    public override string Mark => "blocks.0.attn.qkv.weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = new(
        new("class_token", "cls_token"),
        new("position_embedding", "pos_embed"),
        new("patch_embedding.*", "patch_embed.proj.*"),
        new("blocks.*.norm1.*", "blocks.*.norm1.*"),
        new("blocks.*.attn.qkv.*", "blocks.*.attn.qkv.*"),
        new("blocks.*.attn.proj.*", "blocks.*.attn.proj.*"),
        new("blocks.*.scale1.gamma", "blocks.*.ls1.gamma"),
        new("blocks.*.norm2.*", "blocks.*.norm2.*"),
        new("blocks.*.mlp.fc1.*", "blocks.*.mlp.fc1.*"),
        new("blocks.*.mlp.fc2.*", "blocks.*.mlp.fc2.*"),
        new("blocks.*.scale2.gamma", "blocks.*.ls2.gamma"),
        new("norm.*", "norm.*"),
        new("pooled_norm.*", "fc_norm.*"),
        new("head.*", "head.*"));

    /// <inheritdoc/>
    protected override VitConfig Read(ConfigFile config) => config.Has("hidden_size") ? ReadFlatForm(config) : ReadHubForm(config);

    static VitConfig ReadFlatForm(ConfigFile config) =>
        WithPooling(ReadFlat(config, epsilon: 1e-6f, config.Integer("num_labels")), config, "token") with { LayerScale = ReadLayerScale(config) };

    static VitConfig ReadHubForm(ConfigFile config)
    {
        string architecture = config.Text("architecture");
        if (Architecture().Match(architecture) is not { Success: true } match)
            throw config.Fault($"\"architecture\" is \"{architecture}\"; known are vit_ and deit_ tiny, small, base and large such as vit_base_patch16_224, and a flat config with \"hidden_size\"");
        int patch = int.Parse(match.Groups["patch"].ValueSpan, CultureInfo.InvariantCulture);
        VitConfig named = match.Groups["size"].Value switch
        {
            "tiny" => VitConfig.Tiny(patch),
            "small" => VitConfig.Small(patch),
            "base" => VitConfig.Base(patch),
            _ => VitConfig.Large(patch),
        };

        ConfigFile arguments = config.Section("model_args"), pretrained = config.Section("pretrained_cfg");
        foreach (string key in arguments.Keys)
            if (!Understood.Contains(key) && !Harmless.Contains(key)) throw config.Fault($"\"model_args.{key}\" is an option of {architecture} that this engine does not have");
        int size = pretrained.Integers("input_size") is [_, int height, int] ? height : int.Parse(match.Groups["image"].ValueSpan, CultureInfo.InvariantCulture);
        int width = arguments.Integer("embed_dim", named.Width);
        return WithPooling(named, arguments, config.Text("global_pool", "token")) with
        {
            ImageSize = arguments.Integer("img_size", size),
            PatchSize = arguments.Integer("patch_size", patch),
            Channels = arguments.Integer("in_chans", 3),
            Width = width,
            Depth = arguments.Integer("depth", named.Depth),
            Heads = arguments.Integer("num_heads", named.Heads),
            MlpWidth = (int)(width * arguments.Number("mlp_ratio", 4)),
            Classes = arguments.Integer("num_classes", config.Integer("num_classes", pretrained.Integer("num_classes", 1000))),
            QkvBias = arguments.Flag("qkv_bias", true),
            Activation = ReadActivation(arguments, "act_layer"),
            LayerScale = ReadLayerScale(arguments),
        };
    }

    static VitConfig WithPooling(VitConfig vit, ConfigFile config, string fallback) => vit with
    {
        HasClassToken = config.Flag("class_token", true),
        Pooling = config.Text("global_pool", fallback) switch
        {
            "token" => Pooling.ClassToken,
            "avg" => Pooling.Average,
            string other => throw config.Fault($"\"global_pool\" is \"{other}\"; known are token and avg"),
        },
    };

    static float? ReadLayerScale(ConfigFile config) => config.Has("init_values") ? config.Number("init_values") : null;

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes)
    {
        if (config.ContainsKey("num_labels")) config["num_labels"] = classes;
        else config["num_classes"] = classes;
        if (config["model_args"] is JsonObject arguments && arguments.ContainsKey("num_classes")) arguments["num_classes"] = classes;
        config.Remove("label_names");                       // of the classes that are no more
        config.Remove("label_descriptions");
    }

    /// <inheritdoc/>
    public override void SetImageSize(JsonObject config, int imageSize)
    {
        if (config.ContainsKey("image_size"))
        {
            config["image_size"] = imageSize;
            return;
        }

        if (config["model_args"] is not JsonObject arguments) config["model_args"] = arguments = [];
        arguments["img_size"] = imageSize;
        if (config["pretrained_cfg"] is JsonObject pretrained && pretrained["input_size"] is JsonArray { Count: 3 } size) (size[1], size[2]) = (imageSize, imageSize);
    }

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is VisionTransformer;

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder)
    {
        VitConfig vit = ((VisionTransformer)model).Config;
        JsonObject config = new()
        {
            ["architecture"] = "vision_transformer",
            ["image_size"] = vit.ImageSize,
            ["patch_size"] = vit.PatchSize,
            ["num_channels"] = vit.Channels,
            ["hidden_size"] = vit.Width,
            ["num_hidden_layers"] = vit.Depth,
            ["num_attention_heads"] = vit.Heads,
            ["intermediate_size"] = vit.MlpWidth,
            ["num_labels"] = vit.Classes,
            ["layer_norm_eps"] = vit.Epsilon,
            ["hidden_act"] = WriteActivation(vit.Activation),
            ["qkv_bias"] = vit.QkvBias,
            ["class_token"] = vit.HasClassToken,
            ["global_pool"] = vit.Pooling == Pooling.Average ? "avg" : "token",
        };
        if (vit.LayerScale is { } initial) config["init_values"] = initial;
        return ConfigFile.Write(config);
    }

    [GeneratedRegex(@"^(vit|deit)_(?<size>tiny|small|base|large)_patch(?<patch>\d{1,3})_(?<image>\d{1,4})(\..*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Architecture();
}
