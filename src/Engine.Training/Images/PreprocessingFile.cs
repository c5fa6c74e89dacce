using System.Text.Json;

namespace Engine.Training;

public sealed partial record Preprocessing
{
    /// <summary>The file's name in a checkpoint folder.</summary>
    public const string FileName = "preprocessing.json";

    /// <summary>The name of Hugging Face's description in a model folder.</summary>
    public const string HuggingFaceFileName = "preprocessor_config.json";

    /// <summary>
    /// Reads a description in any of three forms: our own <c>preprocessing.json</c>; timm's <c>config.json</c> or bare
    /// <c>pretrained_cfg</c>; Hugging Face's <c>preprocessor_config.json</c>. Unknown fields are passed over.
    /// </summary>
    /// <exception cref="PreprocessingException">The file is missing, no JSON, of no such form, or asks for what is not supported.</exception>
    public static Preprocessing Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PreprocessingException(path, exception is FileNotFoundException or DirectoryNotFoundException
                ? "no such file" : $"cannot be read ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>
    /// Finds a model folder's description: <c>preprocessing.json</c>, else <c>preprocessor_config.json</c>, else a
    /// <c>config.json</c> with timm's <c>pretrained_cfg</c>; null where there is none.
    /// </summary>
    /// <exception cref="PreprocessingException">A description is there and cannot be read.</exception>
    public static Preprocessing? Find(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        foreach (string name in (ReadOnlySpan<string>)[FileName, HuggingFaceFileName])
            if (Path.Combine(folder, name) is var path && File.Exists(path))
                return Load(path);
        string config = Path.Combine(folder, "config.json");
        return File.Exists(config) && PreprocessingReader.HasPretrainedConfig(File.ReadAllBytes(config)) ? Load(config) : null;
    }

    /// <summary>Reads a description from memory.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="name">What messages call it, usually its path.</param>
    /// <exception cref="PreprocessingException">See <see cref="Load"/>.</exception>
    public static Preprocessing Parse(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return new PreprocessingReader(name).Read(document.RootElement);
        }
        catch (JsonException exception)
        {
            throw new PreprocessingException(name, $"not valid JSON (line {exception.LineNumber + 1})", exception);
        }
    }

    /// <summary>Writes our own form, which <see cref="Load"/> reads back to an equal value. The file appears whole or not at all.</summary>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        WholeFile.Write(path, stream => stream.Write(ToJson()));
    }

    /// <summary>Our own form, UTF-8: the fields of timm's <c>pretrained_cfg</c> at the top level.</summary>
    public byte[] ToJson()
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            WriteArray("input_size", [RgbImage.Channels, Size, Size]);
            json.WriteNumber("crop_pct", CropFraction);
            json.WriteString("crop_mode", CropMode == CropMode.Squash ? "squash" : "center");
            json.WriteString("interpolation", Interpolation.ToString().ToLowerInvariant());
            WriteArray("mean", [Mean.Red, Mean.Green, Mean.Blue]);
            WriteArray("std", [Std.Red, Std.Green, Std.Blue]);
            json.WriteEndObject();

            void WriteArray(string name, ReadOnlySpan<float> values)
            {
                json.WriteStartArray(name);
                foreach (float value in values)
                    json.WriteNumberValue(value);
                json.WriteEndArray();
            }
        }
        memory.WriteByte((byte)'\n');
        return memory.ToArray();
    }
}
