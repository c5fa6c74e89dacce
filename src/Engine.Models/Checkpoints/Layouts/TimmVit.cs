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
    // The library's JSON cannot say another epsilon than the architecture's; this key is ours, and it passes it over.
    const string EpsilonKey = "layer_norm_eps";

    // Arguments that change nothing about inference or that LoadOptions sets.
    static readonly string[] Harmless = ["drop_rate", "drop_path_rate", "pos_drop_rate", "proj_drop_rate", "attn_drop_rate", "patch_drop_rate", "weight_init", "fix_init", "dynamic_img_size", "dynamic_img_pad"];

    static readonly string[] Understood = ["img_size", "patch_size", "in_chans", "num_classes", "embed_dim", "depth", "num_heads", "mlp_ratio", "qkv_bias", "init_values", "class_token", "global_pool", "act_layer", "pre_norm"];

    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.Timm;

    /// <inheritdoc/>
    public override string Mark => "blocks.0.attn.qkv.weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = new(
        new("class_token", "cls_token"),
        new("position_embedding", "pos_embed"),
        new("patch_embedding.*", "patch_embed.proj.*"),
        new("pre_norm.*", "norm_pre.*"),
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
    public override VitConfig Read(ConfigFile config) => config.Has("hidden_size") ? ReadFlatForm(config) : ReadHubForm(config);

    static VitConfig ReadFlatForm(ConfigFile config) =>
        WithPooling(ReadFlat(config, epsilon: 1e-6f, config.Integer("num_labels")), config, "token") with { LayerScale = ReadLayerScale(config) };

    static VitConfig ReadHubForm(ConfigFile config)
    {
        string architecture = config.Text("architecture");
        if (Architecture().Match(architecture) is not { Success: true } match)
            throw config.Fault($"\"architecture\" is \"{architecture}\"; known are vit_ and deit_ tiny, small, base and large such as vit_base_patch16_224 or vit_base_patch16_clip_224, and a flat config with \"hidden_size\"");
        int patch = int.Parse(match.Groups["patch"].ValueSpan, CultureInfo.InvariantCulture);
        VitConfig named = Sized(match.Groups["size"].Value, patch);
        if (match.Groups["clip"].Success)
            named = named with { PreNorm = true, Epsilon = 1e-5f, Activation = match.Groups["quick"].Success ? Activation.QuickGelu : Activation.Gelu };

        ConfigFile arguments = config.Section("model_args"), pretrained = config.Section("pretrained_cfg");
        foreach (string key in arguments.Keys)
            if (!Understood.Contains(key) && !Harmless.Contains(key)) throw config.Fault($"\"model_args.{key}\" is an option of {architecture} that this engine does not have");
        if (pretrained.Integers("input_size") is [_, int rows, int columns] && rows != columns)
            throw config.Fault($"\"pretrained_cfg.input_size\" is {rows} x {columns}; images are square here");
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
            MlpWidth = (int)(width * arguments.Real("mlp_ratio", 4)),
            Classes = arguments.Integer("num_classes", config.Integer("num_classes", pretrained.Integer("num_classes", 1000))),
            QkvBias = arguments.Flag("qkv_bias", true),
            Activation = arguments.Has("act_layer") ? ReadActivation(arguments, "act_layer") : named.Activation,
            Epsilon = config.Number(EpsilonKey, named.Epsilon),
            PreNorm = arguments.Flag("pre_norm", named.PreNorm),
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
    public override void SetClasses(JsonObject config, int classes) => TimmLabels.Set(config, classes);

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames(ConfigFile config) => TimmLabels.Names(config);

    /// <inheritdoc/>
    public override void SetClassNames(JsonObject config, IReadOnlyList<string> names) => TimmLabels.Name(config, names);

    /// <inheritdoc/>
    public override void SetImageSize(JsonObject config, int imageSize)
    {
        if (config.ContainsKey("image_size")) base.SetImageSize(config, imageSize);
        else TimmConfig.SetImageSize(config, imageSize);
    }

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is VisionTransformer;

    /// <inheritdoc/>
    public override string? Lacks(Module model) => ((VisionTransformer)model).Config.ProjectionWidth is null ? null : "projection without bias before its head";

    /// <summary>The hub's form, which the library itself reads: the architecture nearest by name, and what departs from it.</summary>
    public override byte[] Describe(Module model, string folder)
    {
        VitConfig vit = ((VisionTransformer)model).Config;
        string size = ((string[])["tiny", "small", "base", "large"]).FirstOrDefault(name => Sized(name, vit.PatchSize).Width == vit.Width) ?? "base";
        VitConfig named = Sized(size, Registered(size, vit.PatchSize));
        JsonObject arguments = [];
        if (vit.PatchSize != named.PatchSize) arguments["patch_size"] = vit.PatchSize;
        if (vit.ImageSize != named.ImageSize) arguments["img_size"] = vit.ImageSize;
        if (vit.Channels != named.Channels) arguments["in_chans"] = vit.Channels;
        if (vit.Width != named.Width) arguments["embed_dim"] = vit.Width;
        if (vit.Depth != named.Depth) arguments["depth"] = vit.Depth;
        if (vit.Heads != named.Heads) arguments["num_heads"] = vit.Heads;
        if (vit.MlpWidth != 4 * vit.Width) arguments["mlp_ratio"] = Ratio(vit.MlpWidth, vit.Width);
        if (!vit.QkvBias) arguments["qkv_bias"] = false;
        if (!vit.HasClassToken) arguments["class_token"] = false;
        if (vit.Pooling == Pooling.Average) arguments["global_pool"] = "avg";
        if (vit.LayerScale is { } initial) arguments["init_values"] = initial;
        if (vit.PreNorm) arguments["pre_norm"] = true;
        if (vit.Activation != Activation.Gelu) arguments["act_layer"] = WriteActivation(vit.Activation);
        JsonObject config = TimmConfig.Write(
            $"vit_{size}_patch{named.PatchSize}_{named.ImageSize}", arguments, vit.Classes, vit.Width, vit.Pooling == Pooling.Average ? "avg" : "token", "head");
        if (vit.Epsilon != named.Epsilon) config[EpsilonKey] = vit.Epsilon;
        return ConfigFile.Write(config);
    }

    static VitConfig Sized(string size, int patch) => size switch
    {
        "tiny" => VitConfig.Tiny(patch),
        "small" => VitConfig.Small(patch),
        "base" => VitConfig.Base(patch),
        _ => VitConfig.Large(patch),
    };

    // The patches for which the library has registered a size at 224 pixels.
    static int Registered(string size, int patch) => (size, patch) is (not "tiny", 32) or ("base", 8) ? patch : 16;

    // The library truncates width * ratio; the nearest quotient may fall short of the whole number.
    static double Ratio(int hidden, int width)
    {
        double ratio = (double)hidden / width;
        return (int)(width * ratio) == hidden ? ratio : Math.BitIncrement(ratio);
    }

    [GeneratedRegex(@"^(vit|deit)_(?<size>tiny|small|base|large)_patch(?<patch>\d{1,3})(?<clip>_clip(?<quick>_quickgelu)?)?_(?<image>\d{1,4})(\..*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Architecture();
}
