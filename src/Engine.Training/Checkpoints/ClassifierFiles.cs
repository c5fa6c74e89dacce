using System.Text.Encodings.Web;
using System.Text.Json;
using Engine.Models;

namespace Engine.Training;

/// <summary>What a classifier's folder holds beside the model: the names of its classes, and how images become its input.</summary>
public static class ClassifierFiles
{
    /// <summary>The file with the class names: a JSON list, in the order of the labels.</summary>
    public const string ClassNamesFile = "class_names.json";

    static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The files to write with a model.</summary>
    public static IReadOnlyDictionary<string, byte[]> Of(IReadOnlyList<string> classNames, Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        return new Dictionary<string, byte[]>
        {
            [ClassNamesFile] = JsonSerializer.SerializeToUtf8Bytes(classNames, Readable),
            [Preprocessing.FileName] = preprocessing.ToJson(),
        };
    }

    /// <summary>How a folder's model wants its images: as the folder says, at the model's size; squares in [-1, 1] where it says nothing.</summary>
    /// <exception cref="PreprocessingException">A description is there and cannot be read.</exception>
    public static Preprocessing PreprocessingOf(string folder, int imageSize) =>
        (Preprocessing.Find(folder) ?? Preprocessing.Plain(imageSize)) with { Size = imageSize };

    /// <summary>The class names of a folder, or null where it has none.</summary>
    /// <exception cref="CheckpointException">The file is no JSON list of texts.</exception>
    public static IReadOnlyList<string>? ReadClassNames(string folder)
    {
        string path = Path.Combine(folder, ClassNamesFile);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize<string[]>(File.ReadAllBytes(path)) is { } names && names.All(name => name is not null)
                ? names : throw new CheckpointException(path, "holds no list of class names");
        }
        catch (JsonException exception)
        {
            throw new CheckpointException(path, "is not a JSON list of class names", innerException: exception);
        }
    }
}
