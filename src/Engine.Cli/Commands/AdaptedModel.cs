using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>A base model with the adapters of a folder.</summary>
static class AdaptedModel
{
    static readonly string[] CompanionNames = [ClassifierFiles.ClassNamesFile, Preprocessing.FileName];

    /// <summary>What a model does with a folder's adapters, if one is named: those of a segmentation model may have been trained on a classifier.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="adapter">The adapters' folder, or null.</param>
    /// <exception cref="CheckpointException">The adapters are for another kind of model.</exception>
    public static ModelKind KindOf(string folder, string? adapter)
    {
        ModelKind kind = ModelFolder.KindOf(folder);
        if (adapter is null || Peft.KindOf(adapter) is not { } adapted || adapted == kind) return kind;
        string trainedOn = Peft.BaseModelOf(adapter);
        if (adapted == ModelKind.Segmenter && kind == ModelKind.ImageClassifier && !HoldsSegmenter(trainedOn)) return adapted;
        throw new CheckpointException(adapter, $"holds adapters of {adapted.WithArticle()}, {folder} is {kind.WithArticle()}; name the model they were trained on{(trainedOn.Length > 0 ? $", {trainedOn}" : "")}");
    }

    // The adapters record where the model was; it may be gone from there, or be a name on a hub.
    static bool HoldsSegmenter(string trainedOn)
    {
        try
        {
            return Directory.Exists(trainedOn) && ModelFolder.KindOf(trainedOn) == ModelKind.Segmenter;
        }
        catch (CheckpointException)
        {
            return false;
        }
    }

    /// <summary>Loads a model and attaches a folder's adapters, if one is named.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="adapter">The adapters' folder, or null.</param>
    public static LoadedModel<TModel> Load<TModel>(string folder, string? adapter) where TModel : Module =>
        adapter is null ? ModelFolder.Load<TModel>(folder) : Attach<TModel>(folder, adapter).Loaded;

    /// <summary>Loads a model, with the classes and the kind of head that the adapters were trained with, and attaches them.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="adapter">The adapters' folder.</param>
    /// <param name="weights">In which precision the model's weights are loaded.</param>
    /// <exception cref="CheckpointException">They do not fit, or a head that the model lacks is not in the adapters' folder either.</exception>
    public static (LoadedModel<TModel> Loaded, AdapterSet Adapters) Attach<TModel>(string folder, string adapter, WeightPrecision weights = WeightPrecision.Float32)
        where TModel : Module
    {
        bool grows = KindOf(folder, adapter) == ModelKind.Segmenter && ModelFolder.KindOf(folder) != ModelKind.Segmenter;
        LoadedModel<TModel> loaded = ModelFolder.Load<TModel>(folder, new() { Classes = ClassifierFiles.ReadClassNames(adapter)?.Count, Segmentation = grows, Weights = weights });
        AdapterSet adapters = Peft.Load(loaded, adapter);
        if (loaded.Model.Parameters.FirstOrDefault(parameter => parameter.IsFresh) is not { } fresh) return (loaded, adapters);
        throw new CheckpointException(adapter, $"brings no {fresh.Name}, and {folder} has none for these classes; name the model the adapters were trained on");
    }

    /// <summary>The adapter folder's files that say how to use the model.</summary>
    public static IReadOnlyDictionary<string, byte[]> Companions(string adapter)
    {
        Dictionary<string, byte[]> files = Tokenizer.IsIn(adapter) ? new(Tokenizer.Files(adapter)) : [];
        foreach (string name in CompanionNames)
            if (Path.Combine(adapter, name) is var path && File.Exists(path)) files.Add(name, File.ReadAllBytes(path));
        return files;
    }
}
