using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Engine.Models;

/// <summary>
/// timm's <c>swin_transformer</c>: patches are merged at the start of a stage. Its config.json comes in two forms: flat, and
/// the hub's, which names an architecture (<c>swin_tiny_patch4_window7_224</c>) and what departs from it in <c>model_args</c>.
/// </summary>
partial class TimmSwin : SwinLayout
{
    // The library's JSON cannot say another epsilon than the architecture's; this key is ours, and it passes it over.
    const string EpsilonKey = "layer_norm_eps";

    static readonly string[] SizeNames = ["tiny", "small", "base", "large"];

    // Arguments that change nothing about inference or that LoadOptions sets.
    static readonly string[] Harmless = ["drop_rate", "drop_path_rate", "proj_drop_rate", "attn_drop_rate", "weight_init", "strict_img_size"];

    static readonly string[] Understood = ["img_size", "patch_size", "in_chans", "num_classes", "embed_dim", "depths", "num_heads", "window_size", "mlp_ratio", "qkv_bias", "global_pool"];

    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.Timm;

    /// <inheritdoc/>
    public override string Mark => "layers.0.blocks.0.attn.qkv.weight";

    /// <inheritdoc/>
    protected override WindowRule Rule => WindowRule.Shrink;

    /// <inheritdoc/>
    public override NameTable Names { get; } = Blocks(stage => $"layers.{stage}.downsample", "head.fc.*");

    /// <inheritdoc/>
    public override IReadOnlyList<string> Unused { get; } = ["layers.*.relative_position_index", "layers.*.attn_mask"];

    /// <summary>The names that timm took over from the paper's authors, and the two that it changed.</summary>
    protected static NameTable Blocks(Func<int, string> merge, string head) => Table(
        stage => $"layers.{stage}.blocks.*",
        merge,
        [
            ("norm1.*", ["norm1.*"]),
            ("attn.qkv.*", ["attn.qkv.*"]),
            ("attn.proj.*", ["attn.proj.*"]),
            ("position_bias.table", ["attn.relative_position_bias_table"]),
            ("norm2.*", ["norm2.*"]),
            ("mlp.fc1.*", ["mlp.fc1.*"]),
            ("mlp.fc2.*", ["mlp.fc2.*"]),
        ],
        new("backbone.patch_embedding.*", "patch_embed.proj.*"),
        new("backbone.patch_norm.*", "patch_embed.norm.*"),
        new("norm.*", "norm.*"),
        new("head.*", head));

    /// <inheritdoc/>
    protected override SwinConfig Read(ConfigFile config) => config.Has("embed_dim") ? base.Read(config) : ReadHubForm(config);

    SwinConfig ReadHubForm(ConfigFile config)
    {
        string architecture = config.Text("architecture");
        if (Architecture().Match(architecture) is not { Success: true } match)
            throw config.Fault($"\"architecture\" is \"{architecture}\"; known are swin_ tiny, small, base and large such as swin_tiny_patch4_window7_224, and a flat config with \"embed_dim\"");
        SwinConfig named = Sized(match.Groups["size"].Value);
        ConfigFile arguments = config.Section("model_args"), pretrained = config.Section("pretrained_cfg");
        foreach (string key in arguments.Keys)
            if (!Understood.Contains(key) && !Harmless.Contains(key)) throw config.Fault($"\"model_args.{key}\" is an option of {architecture} that this engine does not have");
        if (arguments.Text("global_pool", config.Text("global_pool", "avg")) is not "avg" and string pool)
            throw config.Fault($"\"global_pool\" is \"{pool}\"; known is avg");
        int size = pretrained.Integers("input_size") is [_, int height, int] ? height : Number("image");
        return named with
        {
            ImageSize = arguments.Integer("img_size", size),
            PatchSize = arguments.Integer("patch_size", Number("patch")),
            Channels = arguments.Integer("in_chans", 3),
            Width = arguments.Integer("embed_dim", named.Width),
            Depths = arguments.Has("depths") ? arguments.Integers("depths") : named.Depths,
            Heads = arguments.Has("num_heads") ? arguments.Integers("num_heads") : named.Heads,
            WindowSize = arguments.Integer("window_size", Number("window")),
            WindowRule = Rule,
            MlpRatio = arguments.Number("mlp_ratio", named.MlpRatio),
            Classes = arguments.Integer("num_classes", config.Integer("num_classes", pretrained.Integer("num_classes", named.Classes))),
            QkvBias = arguments.Flag("qkv_bias", true),
            Epsilon = config.Number(EpsilonKey, named.Epsilon),
        };

        int Number(string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => TimmLabels.Set(config, classes);

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames(ConfigFile config) => TimmLabels.Names(config);

    /// <inheritdoc/>
    public override void SetClassNames(JsonObject config, IReadOnlyList<string> names) => TimmLabels.Name(config, names);

    /// <inheritdoc/>
    public override void SetImageSize(JsonObject config, int imageSize)
    {
        if (config.ContainsKey("embed_dim")) base.SetImageSize(config, imageSize);
        else TimmConfig.SetImageSize(config, imageSize);
    }

    /// <inheritdoc/>
    protected override void SetWindow(JsonObject config, int window)
    {
        if (config.ContainsKey("embed_dim")) base.SetWindow(config, window);
        else TimmConfig.Set(config, "window_size", window);
    }

    /// <inheritdoc/>
    public override string? Lacks(Module model) =>
        base.Lacks(model) ?? (((SwinTransformer)model).Config.Activation is var activation and not Activation.Gelu ? $"activation {VitLayout.WriteActivation(activation)}" : null);

    /// <summary>The hub's form, which the library itself reads: the architecture nearest by name, and what departs from it.</summary>
    public override byte[] Describe(Module model, string folder)
    {
        SwinConfig swin = ((SwinTransformer)model).Config;
        string[] alike = [.. SizeNames.Where(name => Sized(name).Width == swin.Width)];
        string size = alike.FirstOrDefault(name => Sized(name).Depths.SequenceEqual(swin.Depths)) ?? alike.FirstOrDefault() ?? SizeNames[0];
        SwinConfig named = Sized(size);
        JsonObject arguments = [];
        if (swin.ImageSize != named.ImageSize) arguments["img_size"] = swin.ImageSize;
        if (swin.PatchSize != named.PatchSize) arguments["patch_size"] = swin.PatchSize;
        if (swin.Channels != named.Channels) arguments["in_chans"] = swin.Channels;
        if (swin.Width != named.Width) arguments["embed_dim"] = swin.Width;
        if (!swin.Depths.SequenceEqual(named.Depths)) arguments["depths"] = ListOf(swin.Depths);
        if (!swin.Heads.SequenceEqual(named.Heads)) arguments["num_heads"] = ListOf(swin.Heads);
        if (swin.WindowSize != named.WindowSize) arguments["window_size"] = swin.WindowSize;
        if (swin.MlpRatio != named.MlpRatio) arguments["mlp_ratio"] = swin.MlpRatio;
        if (!swin.QkvBias) arguments["qkv_bias"] = false;
        JsonObject config = TimmConfig.Write(
            $"swin_{size}_patch{named.PatchSize}_window{named.WindowSize}_{named.ImageSize}", arguments, swin.Classes, swin.WidthOf(swin.Stages - 1), "avg", "head.fc");
        if (swin.Epsilon != named.Epsilon) config[EpsilonKey] = swin.Epsilon;
        return ConfigFile.Write(config);
    }

    static SwinConfig Sized(string size) => size switch
    {
        "tiny" => SwinConfig.Tiny(),
        "small" => SwinConfig.Small(),
        "base" => SwinConfig.Base(),
        _ => SwinConfig.Large(),
    };

    [GeneratedRegex(@"^swin_(?<size>tiny|small|base|large)_patch(?<patch>\d{1,3})_window(?<window>\d{1,3})_(?<image>\d{1,4})(\..*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Architecture();
}

/// <summary>
/// The files of the paper's authors, and of timm before it moved patch merging: merged at the end of a stage, with the head
/// directly below the model. Their config.json is timm's.
/// </summary>
sealed class OriginalSwin : TimmSwin
{
    /// <inheritdoc/>
    public override string Family => "Swin (older names)";

    /// <inheritdoc/>
    public override bool Fits(Module model) => false;

    /// <inheritdoc/>
    public override string Mark => "layers.0.downsample.reduction.weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = Blocks(stage => $"layers.{stage - 1}.downsample", "head.*");
}
