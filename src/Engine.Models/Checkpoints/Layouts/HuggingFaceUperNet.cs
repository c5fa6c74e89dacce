using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>
/// Hugging Face transformers' <c>UperNetForSemanticSegmentation</c> on a <c>SwinBackbone</c>, as <c>openmmlab/upernet-swin-tiny</c>:
/// below <c>backbone.</c> the names of Swin with <c>hidden_states_norms.stageN</c>; <c>decode_head</c> with <c>psp_modules</c>,
/// <c>bottleneck</c>, <c>lateral_convs</c>, <c>fpn_convs</c>, <c>fpn_bottleneck</c>, <c>classifier</c>; and <c>auxiliary_head</c>. A
/// unit is <c>conv</c> and <c>batch_norm</c> with its running statistics; how many batches those have seen
/// (<c>num_batches_tracked</c>) is kept as it came, and 0 in a new file: the library wants it there, but with a fixed momentum
/// nothing is computed of it.
/// </summary>
sealed class HuggingFaceUperNet : ImageLayout
{
    const string Architecture = "UperNetForSemanticSegmentation", RunningVariance = ".running_var", BatchCount = ".num_batches_tracked";

    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.HuggingFace;

    /// <inheritdoc/>
    public override string Family => "UPerNet";

    /// <inheritdoc/>
    public override ModelKind Kind => ModelKind.Segmenter;

    /// <inheritdoc/>
    public override string Mark => "decode_head.fpn_bottleneck.conv.weight";

    /// <inheritdoc/>
    public override string Head => "head.classifier";

    /// <inheritdoc/>
    public override bool IsHead(string parameter) =>
        base.IsHead(parameter) || parameter.StartsWith("auxiliary.classifier.", StringComparison.Ordinal);

    /// <inheritdoc/>
    public override NameTable Names { get; } = HuggingFaceSwin.Encoder(
        "backbone.",
        [
            .. Enumerable.Range(0, SwinConfig.MostStages).Select(stage => new NameRow($"norms.{stage}.*", $"backbone.hidden_states_norms.stage{stage + 1}.*")),
            .. Unit("head.pooling.scales.*", "decode_head.psp_modules.*.1"),
            .. Unit("head.pooling.fusion", "decode_head.bottleneck"),
            .. Unit("head.laterals.*", "decode_head.lateral_convs.*"),
            .. Unit("head.outputs.*", "decode_head.fpn_convs.*"),
            .. Unit("head.fusion", "decode_head.fpn_bottleneck"),
            new("head.classifier.*", "decode_head.classifier.*"),
            .. Unit("auxiliary.units.*", "auxiliary_head.convs.*"),
            .. Unit("auxiliary.joined", "auxiliary_head.conv_cat"),
            new("auxiliary.classifier.*", "auxiliary_head.classifier.*"),
        ]);

    static NameRow[] Unit(string here, string there) =>
    [
        new($"{here}.conv.*", $"{there}.conv.*"),
        new($"{here}.norm.mean", $"{there}.batch_norm.running_mean"),
        new($"{here}.norm.variance", $"{there}.batch_norm.running_var"),
        new($"{here}.norm.*", $"{there}.batch_norm.*"),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Unused { get; } = [$"*.batch_norm{BatchCount}", "backbone.encoder.layers.*.relative_position_index"];

    /// <inheritdoc/>
    public override ModelPlan Plan(ConfigFile config, LoadOptions options)
    {
        UperNetConfig stored = Read(config);
        UperNetConfig asked = stored with { Classes = options.Classes ?? stored.Classes, Backbone = SwinLayout.Asked(stored.Backbone, options) };
        Checked(config, asked);
        ModelPlan plan = Plan(
            (stored.Classes, stored.Backbone.ImageSize), (asked.Classes, asked.Backbone.ImageSize), SwinLayout.Stacks(stored.Backbone), at => new UperNet(at, asked));
        if (asked.Backbone.WindowSize != stored.Backbone.WindowSize)
            plan.ConfigChange += json => json["backbone_config"]!["window_size"] = asked.Backbone.WindowSize;
        SwinLayout.Refit(plan, Names, stored.Backbone, asked.Backbone);
        return plan;
    }

    static UperNetConfig Read(ConfigFile config)
    {
        if (config.Text("model_type", "upernet") is not "upernet" and string type)
            throw config.Fault($"\"model_type\" is \"{type}\"; of the models with such tensors, upernet is known");
        ConfigFile encoder = config.Section("backbone_config");
        if (encoder.Text("model_type", "none") is not "swin" and string backbone)
            throw config.Fault($"\"backbone_config.model_type\" is \"{backbone}\"; known is swin");
        SwinConfig swin = HuggingFaceSwin.ReadEncoder(encoder, classes: 0) with { WindowRule = WindowRule.PadAndShift };
        CheckOutputs(config, encoder, swin.Stages);
        UperNetConfig defaults = new();
        UperNetConfig read = new()
        {
            Backbone = swin,
            Classes = HuggingFaceLabels.Read(config, "ForSemanticSegmentation"),
            Channels = config.Integer("hidden_size", defaults.Channels),
            PoolScales = config.Has("pool_scales") ? config.Integers("pool_scales") : defaults.PoolScales,
            HasAuxiliary = config.Flag("use_auxiliary_head", true),
            AuxiliaryChannels = config.Integer("auxiliary_channels", defaults.AuxiliaryChannels),
            AuxiliaryDepth = config.Integer("auxiliary_num_convs", defaults.AuxiliaryDepth),
            AuxiliaryKeepsInput = config.Flag("auxiliary_concat_input", false),
            AuxiliaryWeight = config.Number("auxiliary_loss_weight", defaults.AuxiliaryWeight),
        };
        Checked(config, read);
        if (read.HasAuxiliary && config.Integer("auxiliary_in_channels", read.AuxiliaryInputs) is int inputs && inputs != read.AuxiliaryInputs)
            throw config.Fault($"\"auxiliary_in_channels\" is {inputs}, the map of stage {UperNetConfig.AuxiliaryStage + 1} has {read.AuxiliaryInputs}");
        return read;
    }

    // The library's backbone gives the last map alone unless it is told otherwise.
    static void CheckOutputs(ConfigFile config, ConfigFile encoder, int stages)
    {
        IReadOnlyList<string> outputs = encoder.Texts("out_features");
        IReadOnlyList<int> indices = encoder.Integers("out_indices");
        IEnumerable<int> all = Enumerable.Range(1, stages);
        if (outputs.Count > 0 ? outputs.SequenceEqual(all.Select(stage => $"stage{stage}")) : indices.SequenceEqual(all)) return;
        throw config.Fault($"\"backbone_config.out_features\" is [{string.Join(", ", outputs)}]; this engine's UPerNet reads all stages, from stage1 to stage{stages}");
    }

    /// <summary>The configuration, if a model can be built of it.</summary>
    public static UperNetConfig Checked(ConfigFile config, UperNetConfig asked)
    {
        try
        {
            return asked.Validated();
        }
        catch (ArgumentException e)
        {
            throw config.Fault($"describes no UPerNet: {e.Message.TrimEnd('.')}");
        }
    }

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => HuggingFaceLabels.Set(config, classes, Architecture);

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames(ConfigFile config) => HuggingFaceLabels.Names(config);

    /// <inheritdoc/>
    public override void SetClassNames(JsonObject config, IReadOnlyList<string> names) => HuggingFaceLabels.Name(config, names.Count, names);

    /// <inheritdoc/>
    public override void SetImageSize(JsonObject config, int imageSize) => config["backbone_config"]!["image_size"] = imageSize;

    /// <inheritdoc/>
    public override IEnumerable<StoredBuffer> Extras(Module model) => model.Parameters
        .SelectMany(parameter => Names.Stored(parameter.Name))
        .Where(name => name.EndsWith(RunningVariance, StringComparison.Ordinal))
        .Select(name => new StoredBuffer(new(name[..^RunningVariance.Length] + BatchCount, SafeTensorType.I64), new byte[sizeof(long)]));

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is UperNet;

    /// <inheritdoc/>
    public override string? Lacks(Module model)
    {
        SwinConfig swin = ((UperNet)model).Config.Backbone;
        return HuggingFaceSwin.LacksEncoder(swin) ?? (swin.WindowRule == WindowRule.PadAndShift ? null : $"backbone with the window rule {swin.WindowRule}");
    }

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder)
    {
        UperNetConfig net = ((UperNet)model).Config;
        JsonObject encoder = HuggingFaceSwin.WriteEncoder(net.Backbone);
        encoder["out_features"] = new JsonArray([.. Enumerable.Range(1, net.Backbone.Stages).Select(stage => (JsonNode)$"stage{stage}")]);
        JsonObject config = new()
        {
            ["architectures"] = new JsonArray(Architecture),
            ["model_type"] = "upernet",
            ["backbone_config"] = encoder,
            ["hidden_size"] = net.Channels,
            ["pool_scales"] = new JsonArray([.. net.PoolScales.Select(scale => (JsonNode)scale)]),
            ["use_auxiliary_head"] = net.HasAuxiliary,
            ["auxiliary_in_channels"] = net.HasAuxiliary ? net.AuxiliaryInputs : null,
            ["auxiliary_channels"] = net.AuxiliaryChannels,
            ["auxiliary_num_convs"] = net.AuxiliaryDepth,
            ["auxiliary_concat_input"] = net.AuxiliaryKeepsInput,
            ["auxiliary_loss_weight"] = net.AuxiliaryWeight,
            ["loss_ignore_index"] = 255,
        };
        HuggingFaceLabels.Set(config, net.Classes, Architecture);
        return ConfigFile.Write(config);
    }
}
