using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>What an adapter folder says of the model it goes with.</summary>
static class AdaptedModel
{
    static readonly string[] CompanionNames = [ClassifierFiles.ClassNamesFile, Preprocessing.FileName];

    /// <summary>How to load the base model so that the adapter's own head, if it has one, fits.</summary>
    public static LoadOptions Options(string adapter) => Adapted(new LoadOptions(), adapter);

    /// <summary>The options with the number of classes that the adapter was trained for.</summary>
    public static LoadOptions Adapted(LoadOptions options, string? adapter) =>
        adapter is not null && ClassifierFiles.ReadClassNames(adapter) is { } names ? options with { Classes = names.Count } : options;

    /// <summary>The adapter folder's files that say how to use the model.</summary>
    public static IReadOnlyDictionary<string, byte[]> Companions(string adapter)
    {
        Dictionary<string, byte[]> files = [];
        foreach (string name in CompanionNames)
            if (Path.Combine(adapter, name) is var path && File.Exists(path)) files.Add(name, File.ReadAllBytes(path));
        return files;
    }
}
