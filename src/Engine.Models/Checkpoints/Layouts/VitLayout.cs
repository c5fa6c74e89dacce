using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>What the layouts of vision transformers have in common: the flat config.json.</summary>
abstract class VitLayout : ImageLayout
{
    /// <inheritdoc/>
    public override string Family => "ViT";

    /// <summary>Reads the library's config.json.</summary>
    public abstract VitConfig Read(ConfigFile config);

    /// <inheritdoc/>
    public override ModelPlan Plan(ConfigFile config, LoadOptions options)
    {
        if (options.Segmentation)
            throw config.Fault("describes a vision transformer, which sees an image at one scale; a segmentation model is made of a Swin transformer");
        VitConfig stored = Checked(config, Read(config));
        VitConfig asked = (stored with
        {
            ImageSize = options.ImageSize ?? stored.ImageSize,
            Classes = options.Classes ?? stored.Classes,
            Dropout = options.Dropout,
            DropPath = options.DropPath,
        }).Validated();
        ModelPlan plan = Plan((stored.Classes, stored.ImageSize), (asked.Classes, asked.ImageSize), [new("blocks.*.norm1.weight", asked.Depth)], at => new VisionTransformer(at, asked));
        if (asked.ImageSize == stored.ImageSize) return plan;
        plan.Refits.Add("position_embedding", new(
            [1, stored.SequenceLength, stored.Width], positions => PositionEmbedding.Resample(positions, asked)));
        return plan;
    }

    static VitConfig Checked(ConfigFile config, VitConfig vit)
    {
        try
        {
            return vit.Validated();
        }
        catch (ArgumentException e)
        {
            throw config.Fault($"describes no vision transformer: {e.Message.TrimEnd('.')}");
        }
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

    /// <summary>An activation by any library's name for it.</summary>
    internal static Activation ReadActivation(ConfigFile config, string key) => config.Text(key, "gelu") switch
    {
        "gelu" => Activation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_tanh" => Activation.GeluTanh,
        "quick_gelu" => Activation.QuickGelu,
        "relu" => Activation.Relu,
        "silu" or "swish" => Activation.Silu,
        string other => throw config.Fault($"\"{key}\" is \"{other}\"; known are gelu, gelu_tanh, quick_gelu, relu and silu"),
    };

    /// <summary>timm's name of an activation, and Hugging Face's but for the tanh one.</summary>
    internal static string WriteActivation(Activation activation) => activation switch
    {
        Activation.Gelu => "gelu",
        Activation.GeluTanh => "gelu_tanh",
        Activation.QuickGelu => "quick_gelu",
        Activation.Relu => "relu",
        _ => "silu",
    };

    /// <summary>The keys that several libraries share, as <see cref="ReadFlat"/> reads them.</summary>
    protected static JsonObject WriteFlat(VitConfig vit) => new()
    {
        ["hidden_size"] = vit.Width,
        ["num_hidden_layers"] = vit.Depth,
        ["num_attention_heads"] = vit.Heads,
        ["intermediate_size"] = vit.MlpWidth,
        ["hidden_act"] = vit.Activation == Activation.GeluTanh ? "gelu_pytorch_tanh" : WriteActivation(vit.Activation),
        ["layer_norm_eps"] = vit.Epsilon,
        ["image_size"] = vit.ImageSize,
        ["patch_size"] = vit.PatchSize,
        ["num_channels"] = vit.Channels,
    };

    /// <summary>What a vision transformer has beyond the original, of which the libraries have different parts.</summary>
    protected static string? Beyond(VitConfig vit, bool qkvBias = false) =>
        vit.Pooling == Pooling.Average ? "average pooling"
        : !vit.HasClassToken ? "sequence without class token"
        : vit.LayerScale is not null ? "layer scale"
        : vit.ProjectionWidth is not null ? "projection before the head"
        : vit.PreNorm ? "norm before the blocks"
        : !vit.QkvBias && !qkvBias ? "attention without bias"
        : null;
}
