using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>
/// timm's config.json in the hub's form, which its <c>create_model("local-dir:...")</c> reads: an architecture that it has
/// registered, and in <c>model_args</c> what departs from it.
/// </summary>
static class TimmConfig
{
    const string ArgumentsKey = "model_args", PretrainedKey = "pretrained_cfg";

    /// <summary>Writes one.</summary>
    /// <param name="architecture">A registered name.</param>
    /// <param name="arguments">What departs from it.</param>
    /// <param name="classes">Classes of the head; 0 for none.</param>
    /// <param name="width">Numbers that the head sees.</param>
    /// <param name="pooling">token or avg.</param>
    /// <param name="head">The name of the head's layer.</param>
    public static JsonObject Write(string architecture, JsonObject arguments, int classes, int width, string pooling, string head)
    {
        JsonObject config = new()
        {
            ["architecture"] = architecture,
            ["num_classes"] = classes,
            ["num_features"] = width,
            ["global_pool"] = pooling,
        };
        if (arguments.Count > 0) config[ArgumentsKey] = arguments;
        // Without this object the library takes the whole file for it, drops model_args and stops at keys it does not know there.
        config[PretrainedKey] = new JsonObject { ["first_conv"] = "patch_embed.proj", ["classifier"] = head };
        return config;
    }

    /// <summary>Enters an argument.</summary>
    public static void Set(JsonObject config, string name, int value)
    {
        if (config[ArgumentsKey] is not JsonObject arguments) config[ArgumentsKey] = arguments = [];
        arguments[name] = value;
    }

    /// <summary>Enters another image size.</summary>
    public static void SetImageSize(JsonObject config, int imageSize)
    {
        Set(config, "img_size", imageSize);
        if (config[PretrainedKey] is JsonObject pretrained && pretrained["input_size"] is JsonArray { Count: 3 } size) (size[1], size[2]) = (imageSize, imageSize);
    }
}
