using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>The classes in a config.json of timm's: their number, and their names beside it.</summary>
static class TimmLabels
{
    const string NamesKey = "label_names";

    /// <summary>The names of the classes; null where there are none.</summary>
    public static IReadOnlyList<string>? Names(ConfigFile config) => config.Texts(NamesKey) is { Count: > 0 } names ? names : null;

    /// <summary>Enters names.</summary>
    public static void Name(JsonObject config, IReadOnlyList<string> names) => config[NamesKey] = new JsonArray([.. names.Select(name => (JsonNode)name)]);

    /// <summary>Enters another number of classes.</summary>
    public static void Set(JsonObject config, int classes)
    {
        if (config.ContainsKey("num_labels")) config["num_labels"] = classes;
        else config["num_classes"] = classes;
        if (config["model_args"] is JsonObject arguments && arguments.ContainsKey("num_classes")) arguments["num_classes"] = classes;
        config.Remove(NamesKey);                            // of the classes that are no more
        config.Remove("label_descriptions");
    }
}
