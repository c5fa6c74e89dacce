using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>What the layouts of vision transformers have in common: the flat config.json.</summary>
abstract class VitLayout : ImageLayout
{
    /// <inheritdoc/>
    public override string Family => "ViT";

    /// <summary>Reads the library's config.json.</summary>
    protected abstract VitConfig Read(ConfigFile config);

    /// <inheritdoc/>
    public override ModelPlan Plan(ConfigFile config, LoadOptions options)
    {
        VitConfig stored = Read(config);
        try
        {
            stored.Validated();
        }
        catch (ArgumentException e)
        {
            throw config.Fault($"describes no vision transformer: {e.Message.TrimEnd('.')}");
        }

        VitConfig asked = stored with
        {
            ImageSize = options.ImageSize ?? stored.ImageSize,
            Classes = options.Classes ?? stored.Classes,
            Dropout = options.Dropout,
            DropPath = options.DropPath,
        };
        ModelPlan plan = Plan((stored.Classes, stored.ImageSize), (asked.Classes, asked.ImageSize), [new("blocks.*.norm1.weight", asked.Depth)], at => new VisionTransformer(at, asked));
        if (asked.ImageSize == stored.ImageSize) return plan;
        plan.Refits.Add("position_embedding", new(
            [1, stored.SequenceLength, stored.Width], positions => PositionEmbedding.Resample(positions, asked.Validated())));
        return plan;
    }

    /// <inheritdoc/>
    public override void SetImageSize(JsonObject config, int imageSize) => config["image_size"] = imageSize;

    /// <summary>The keys that several libraries share.</summary>
    protected static VitConfig ReadFlat(ConfigFile config, float epsilon, int classes)
    {
        int width = config.Integer("hidden_size");
        return new()
        {
            ImageSize = config.Integer("image_size"),
            PatchSize = config.Integer("patch_size"),
            Channels = config.Integer("num_channels", 3),
            Width = width,
            Depth = config.Integer("num_hidden_layers"),
            Heads = config.Integer("num_attention_heads"),
            MlpWidth = config.Integer("intermediate_size", 4 * width),
            Classes = classes,
            Epsilon = config.Number("layer_norm_eps", epsilon),
            Activation = ReadActivation(config, "hidden_act"),
            QkvBias = config.Flag("qkv_bias", true),
        };
    }

    /// <summary>A nonlinearity by the names the libraries have for it.</summary>
    internal static Activation ReadActivation(ConfigFile config, string key) => config.Text(key, "gelu") switch
    {
        "gelu" => Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_tanh" => Activation.GeluTanh,
        "quick_gelu" => Activation.QuickGelu,
        "relu" => Activation.Relu,
        "silu" or "swish" => Activation.Silu,
        string other => throw config.Fault($"\"{key}\" is \"{other}\"; known are gelu, gelu_tanh, quick_gelu, relu and silu"),
    };

    /// <summary>The name that <see cref="ReadActivation"/> reads.</summary>
    internal static string WriteActivation(Activation activation) => activation switch
    {
        Activation.Gelu => "gelu",
        Activation.GeluTanh => "gelu_tanh",
        Activation.QuickGelu => "quick_gelu",
        Activation.Relu => "relu",
        _ => "silu",
    };
}
