using System.Globalization;
using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>The number of classes in a config.json of Hugging Face transformers, which may stand in a number or in the classes' names.</summary>
static class HuggingFaceLabels
{
    const int DefaultClasses = 2;               // the library's own, for a config that names none

    /// <summary>The number of classes; 0 for a model without a head.</summary>
    /// <param name="config">The file.</param>
    /// <param name="headed">How the names of architectures with a head end.</param>
    public static int Read(ConfigFile config, string headed)
    {
        if (config.Texts("architectures") is { Count: > 0 } architectures && !architectures.Any(name => name.EndsWith(headed, StringComparison.Ordinal)))
            return 0;
        return config.Has("num_labels") ? config.Integer("num_labels") : config.Has("id2label") ? config.Section("id2label").Keys.Count() : DefaultClasses;
    }

    /// <summary>Enters another number of classes.</summary>
    /// <param name="config">The file.</param>
    /// <param name="classes">How many there are now.</param>
    /// <param name="headed">The architecture that has a head.</param>
    public static void Set(JsonObject config, int classes, string headed)
    {
        if (config.ContainsKey("architectures")) config["architectures"] = new JsonArray(headed);
        if (config.ContainsKey("num_labels")) config["num_labels"] = classes;
        if (!config.ContainsKey("num_labels") || config.ContainsKey("id2label")) Name(config, classes, null);       // the old names stand for classes that are no more
    }

    /// <summary>The names of the classes; null where they are the library's placeholders, or none.</summary>
    public static IReadOnlyList<string>? Names(ConfigFile config)
    {
        ConfigFile labels = config.Section("id2label");
        string[] names = [.. Enumerable.Range(0, labels.Keys.Count()).Select(i => labels.Text(Number(i), Placeholder(i)))];
        return names.Where((name, i) => name != Placeholder(i)).Any() ? names : null;
    }

    /// <summary>Enters names, which the library counts; placeholders where there are none.</summary>
    public static void Name(JsonObject config, int classes, IReadOnlyList<string>? known)
    {
        JsonObject names = [], numbers = [];
        for (int i = 0; i < classes; i++)
        {
            string name = known?[i] ?? Placeholder(i);
            names[Number(i)] = name;
            numbers[name] = i;
        }

        (config["id2label"], config["label2id"]) = (names, numbers);
    }

    static string Placeholder(int label) => $"LABEL_{Number(label)}";

    static string Number(int label) => label.ToString(CultureInfo.InvariantCulture);
}
