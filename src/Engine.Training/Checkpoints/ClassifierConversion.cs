using System.Text.Json.Nodes;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Converts a model folder with what stands beside the model: class names and preprocessing, in our form and in the other library's.</summary>
public static class ClassifierConversion
{
    /// <summary>See <see cref="ModelConverter.Convert"/>.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="target">The folder to write, absent or empty.</param>
    /// <param name="library">Whose layout; null for the model's own.</param>
    /// <param name="type">How weights are stored; null for as they are.</param>
    /// <exception cref="CheckpointException">The model cannot be read, cannot be had in that layout, or cannot be written.</exception>
    /// <exception cref="PreprocessingException">A description of preprocessing is there and cannot be read.</exception>
    public static Conversion Run(string folder, string target, ModelLibrary? library, DType? type)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        IReadOnlyList<string>? names = ClassifierFiles.ReadClassNames(folder);
        Preprocessing? preprocessing = ModelSummary.Of(folder).ImageSize is { } size && Preprocessing.Find(folder) is { } found ? found with { Size = size } : null;
        Dictionary<string, byte[]> companions = [];
        Dictionary<string, JsonNode> entries = [];
        if (names is not null) companions[ClassifierFiles.ClassNamesFile] = File.ReadAllBytes(Path.Combine(folder, ClassifierFiles.ClassNamesFile));
        if (preprocessing is not null)
        {
            companions[Preprocessing.FileName] = preprocessing.ToJson();
            if (library == ModelLibrary.Timm) entries["pretrained_cfg"] = JsonNode.Parse(preprocessing.ToJson())!;
            if (library == ModelLibrary.HuggingFace)
            {
                string theirs = Path.Combine(folder, Preprocessing.HuggingFaceFileName);
                companions[Preprocessing.HuggingFaceFileName] = File.Exists(theirs) ? File.ReadAllBytes(theirs) : preprocessing.ToHuggingFaceJson();
            }
        }

        return ModelConverter.Convert(folder, target, new() { Library = library, Type = type, ClassNames = names, ConfigEntries = entries, Companions = companions });
    }
}
