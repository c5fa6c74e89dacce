using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>
/// What the layouts of Swin transformers have in common: the flat config.json, tables of position biases that are resampled,
/// and the buffers that some libraries store beside the parameters (<c>relative_position_index</c>, <c>attn_mask</c>). Those
/// follow from the configuration: they are kept as they are, and written anew where windows or images change.
/// </summary>
abstract class SwinLayout : ImageLayout
{
    /// <inheritdoc/>
    public override string Family => "Swin";

    /// <summary>What becomes of windows at the border of a map in this library.</summary>
    protected abstract WindowRule Rule { get; }

    /// <summary>Reads the library's config.json.</summary>
    protected virtual SwinConfig Read(ConfigFile config) => ReadFlat(config, config.Integer("num_labels"), Rule);

    /// <summary>Enters another window in config.json.</summary>
    protected virtual void SetWindow(JsonObject config, int window) => config["window_size"] = window;

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => config["num_labels"] = classes;

    /// <inheritdoc/>
    public override void SetImageSize(JsonObject config, int imageSize) => config["image_size"] = imageSize;

    /// <inheritdoc/>
    public override ModelPlan Plan(ConfigFile config, LoadOptions options)
    {
        SwinConfig stored = Checked(config, Read(config));
        if (options.Segmentation) return PlanSegmenter(config, stored, options);
        SwinConfig asked = Asked(stored, options) with { Classes = options.Classes ?? stored.Classes };
        ModelPlan plan = Plan((stored.Classes, stored.ImageSize), (asked.Classes, asked.ImageSize), Stacks(stored), at => new SwinTransformer(at, asked));
        if (asked.WindowSize != stored.WindowSize) plan.ConfigChange += json => SetWindow(json, asked.WindowSize);
        Refit(plan, stored, asked);
        return plan;
    }

    /// <summary>The stored configuration with what the caller's options change about the backbone.</summary>
    internal static SwinConfig Asked(SwinConfig stored, LoadOptions options) => stored with
    {
        ImageSize = options.ImageSize ?? stored.ImageSize,
        WindowSize = options.WindowSize ?? stored.WindowSize,
        Dropout = options.Dropout,
        DropPath = options.DropPath,
    };

    // The backbone comes from the folder, the rest is fresh; windows are cut as in the layout that the segmenter is saved in.
    ModelPlan PlanSegmenter(ConfigFile config, SwinConfig stored, LoadOptions options)
    {
        if (options.Classes is not { } classes)
            throw config.Fault("describes a classifier; to make a segmentation model of it, say how many classes the pixels have");
        SwinConfig backbone = Asked(stored, options) with { WindowRule = WindowRule.PadAndShift, Classes = 0 };
        UperNetConfig asked = HuggingFaceUperNet.Checked(config, new() { Backbone = backbone, Classes = classes, HasAuxiliary = backbone.Stages > UperNetConfig.AuxiliaryStage });
        ModelPlan plan = new(stored.Classes, classes, Stacks(stored), at => new UperNet(at, asked))
        {
            IsFresh = name => !name.StartsWith("backbone.", StringComparison.Ordinal),
            SavedIn = new HuggingFaceUperNet(),
        };
        foreach (string name in (string[])["norm.weight", "norm.bias", "head.weight", "head.bias"]) plan.Obsolete.AddRange(Names.Stored(name));
        Refit(plan, stored, backbone);
        return plan;
    }

    /// <summary>The configuration, if a model can be built of it.</summary>
    protected static SwinConfig Checked(ConfigFile config, SwinConfig swin)
    {
        try
        {
            return swin.Validated();
        }
        catch (ArgumentException e)
        {
            throw config.Fault($"describes no Swin transformer: {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>The blocks of each stage.</summary>
    internal static BlockStack[] Stacks(SwinConfig swin) =>
        [.. swin.Depths.Select((depth, stage) => new BlockStack($"backbone.stages.{stage}.blocks.*.norm1.weight", depth, $"stage {stage}"))];

    /// <summary>Tables and buffers that another image size or window changes.</summary>
    protected void Refit(ModelPlan plan, SwinConfig stored, SwinConfig asked) => Refit(plan, Names, stored, asked);

    /// <summary>Tables and buffers that another image size or window changes, by the names of any layout.</summary>
    internal static void Refit(ModelPlan plan, NameTable names, SwinConfig stored, SwinConfig asked)
    {
        for (int stage = 0; stage < stored.Stages; stage++)
        {
            int from = 2 * stored.WindowOf(stage) - 1, to = asked.WindowOf(stage), heads = stored.Heads[stage];
            if (from == 2 * to - 1) continue;
            for (int block = 0; block < stored.Depths[stage]; block++)
            {
                string table = $"backbone.stages.{stage}.blocks.{block}.position_bias.table";
                plan.Refits.Add(table, new([from * from, heads], values => RelativePositionBias.Resample(values, to)));
                plan.Rewritten.Add(names.Stored(table)[0].Replace("_bias_table", "_index", StringComparison.Ordinal), item => Index(item, to));
            }
        }

        // The mask of a shifted block is the images' and the windows': every library computes it when it is not there.
        if (asked.ImageSize != stored.ImageSize || asked.WindowSize != stored.WindowSize) plan.Obsolete.Add("*.attn_mask");
    }

    // In the shape that the library keeps it in: pairs of patches in a row, or as a square.
    static StoredBuffer Index(SafeTensorItem item, int window)
    {
        int[] rows = RelativePositionBias.Rows(window);
        long[] shape = item.Shape.Length == 1 ? [rows.Length] : [window * window, window * window];
        byte[] index = new byte[8 * rows.Length];
        for (int i = 0; i < rows.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(index.AsSpan(8 * i), rows[i]);
        return new(new(item.Name, SafeTensorType.I64, shape), index);
    }

    /// <summary>The keys that several libraries share.</summary>
    protected static SwinConfig ReadFlat(ConfigFile config, int classes, WindowRule rule)
    {
        SwinConfig tiny = SwinConfig.Tiny();
        return new()
        {
            ImageSize = config.Integer("image_size", tiny.ImageSize),
            PatchSize = config.Integer("patch_size", tiny.PatchSize),
            Channels = config.Integer("num_channels", tiny.Channels),
            Width = config.Integer("embed_dim"),
            Depths = config.Integers("depths"),
            Heads = config.Integers("num_heads"),
            WindowSize = config.Integer("window_size"),
            WindowRule = rule,
            MlpRatio = config.Number("mlp_ratio", tiny.MlpRatio),
            Classes = classes,
            Epsilon = config.Number("layer_norm_eps", tiny.Epsilon),
            Activation = VitLayout.ReadActivation(config, "hidden_act"),
            QkvBias = config.Flag("qkv_bias", true),
        };
    }

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is SwinTransformer;

    // Libraries differ where windows meet the border of a map; where none does, all have the same model.
    /// <inheritdoc/>
    public override string? Lacks(Module model)
    {
        SwinConfig swin = ((SwinTransformer)model).Config, theirs = swin with { WindowRule = Rule };
        for (int stage = 0; stage < swin.Stages && swin.WindowRule != Rule; stage++)
        {
            int map = swin.MapOf(stage), window = swin.WindowOf(stage);
            bool onlyOneShifts = map == window && (swin.WindowRule == WindowRule.PadAndShift) != (Rule == WindowRule.PadAndShift);
            if (window != theirs.WindowOf(stage) || map % window != 0 || onlyOneShifts)
                return $"windows as the model's, which cuts the map of {map} x {map} patches of stage {stage} into windows of {window} by the rule {swin.WindowRule}, not {Rule}";
        }

        return null;
    }

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder) => ConfigFile.Write(WriteFlat(((SwinTransformer)model).Config));

    /// <summary>The keys that <see cref="ReadFlat"/> reads.</summary>
    protected static JsonObject WriteFlat(SwinConfig swin) => new()
    {
        ["architecture"] = "swin_transformer",
        ["embed_dim"] = swin.Width,
        ["depths"] = ListOf(swin.Depths),
        ["num_heads"] = ListOf(swin.Heads),
        ["window_size"] = swin.WindowSize,
        ["image_size"] = swin.ImageSize,
        ["patch_size"] = swin.PatchSize,
        ["num_labels"] = swin.Classes,
        ["mlp_ratio"] = swin.MlpRatio,
        ["num_channels"] = swin.Channels,
        ["layer_norm_eps"] = swin.Epsilon,
        ["hidden_act"] = VitLayout.WriteActivation(swin.Activation),
        ["qkv_bias"] = swin.QkvBias,
    };

    /// <summary>A list of numbers in JSON.</summary>
    protected static JsonArray ListOf(IEnumerable<int> numbers) => new([.. numbers.Select(number => (JsonNode)number)]);

    /// <summary>Rows for every stage a model may have, whose numbers libraries count in their own ways.</summary>
    /// <param name="blocks">A stage's blocks: <c>layers.0.blocks.*</c>.</param>
    /// <param name="merge">The merging before a stage: <c>layers.1.downsample</c>.</param>
    /// <param name="parts">A block's parts here and there.</param>
    /// <param name="others">What is not part of a stage.</param>
    protected static NameTable Table(Func<int, string> blocks, Func<int, string> merge, (string Here, string[] There)[] parts, params NameRow[] others)
    {
        List<NameRow> rows = [.. others];
        for (int stage = 0; stage < SwinConfig.MostStages; stage++)
        {
            string prefix = blocks(stage);
            foreach ((string here, string[] there) in parts)
                rows.Add(new($"backbone.stages.{stage}.blocks.*.{here}", [.. there.Select(name => $"{prefix}.{name}")]));
            if (stage == 0) continue;
            rows.Add(new($"backbone.stages.{stage}.merge.norm.*", $"{merge(stage)}.norm.*"));
            rows.Add(new($"backbone.stages.{stage}.merge.reduction.*", $"{merge(stage)}.reduction.*"));
        }

        return new([.. rows]);
    }
}
