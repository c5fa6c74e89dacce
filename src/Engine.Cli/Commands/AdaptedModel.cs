using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>A base model with the adapters of a folder.</summary>
static class AdaptedModel
{
    static readonly string[] CompanionNames = [ClassifierFiles.ClassNamesFile, Preprocessing.FileName];

    /// <summary>Loads a model and attaches a folder's adapters, if one is named.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="adapter">The adapters' folder, or null.</param>
    public static LoadedModel<TModel> Load<TModel>(string folder, string? adapter) where TModel : Module
    {
        LoadedModel<TModel> loaded = ModelFolder.Load<TModel>(folder, Options(adapter));
        if (adapter is not null) Peft.Load(loaded, adapter);
        return loaded;
    }

    /// <summary>How to load the base model so that the adapters' own head, if they have one, fits.</summary>
    public static LoadOptions Options(string? adapter) =>
        adapter is not null && ClassifierFiles.ReadClassNames(adapter) is { } names ? new() { Classes = names.Count } : new();

    /// <summary>The adapter folder's files that say how to use the model.</summary>
    public static IReadOnlyDictionary<string, byte[]> Companions(string adapter)
    {
        Dictionary<string, byte[]> files = Tokenizer.IsIn(adapter) ? new(Tokenizer.Files(adapter)) : [];
        foreach (string name in CompanionNames)
            if (Path.Combine(adapter, name) is var path && File.Exists(path)) files.Add(name, File.ReadAllBytes(path));
        return files;
    }
}
