using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>A model folder's config.json, or an object in it. Every getter names the file, the key, what was expected and found.</summary>
sealed class ConfigFile
{
    public const string Name = "config.json";

    const long LargestFile = 1 << 24;           // thousands of times what a config takes; a folder may come from anywhere
    static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    readonly string filePath;
    readonly string prefix;                     // of keys in an inner object, for messages: "model_args."
    readonly JsonElement root;

    ConfigFile(string filePath, byte[] bytes, JsonElement root, string prefix) =>
        (this.filePath, Bytes, this.root, this.prefix) = (filePath, bytes, root, prefix);

    /// <summary>The file as it is.</summary>
    public byte[] Bytes { get; }

    public static ConfigFile Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!Directory.Exists(folder))
            throw new CheckpointException(folder, FolderWriter.Leftover(folder) is { } left
                ? $"there is no such folder; an interrupted save left it whole as {left}: rename it back" : "there is no such folder");
        if (!File.Exists(path))
            throw new CheckpointException(folder, $"holds no {Name}, which says how the model is built; fetch it from where the weights came from");
        try
        {
            long length = new FileInfo(path).Length;
            return length <= LargestFile ? Parse(path, File.ReadAllBytes(path))
                : throw new CheckpointException(path, $"too large: {length} bytes, the limit is {LargestFile}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"cannot be opened: {e.Message}", innerException: e);
        }
    }

    public static ConfigFile Parse(string path, byte[] bytes)
    {
        try
        {
            CheckTexts(path, bytes);
            using JsonDocument document = JsonDocument.Parse(bytes, Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new(path, bytes, document.RootElement.Clone(), "")
                : throw new CheckpointException(path, $"must be a JSON object, found {document.RootElement.ValueKind}");
        }
        catch (JsonException e)
        {
            throw new CheckpointException(path, $"is not JSON ({e.Message})", innerException: e);
        }
    }

    // Bytes that are no UTF-8, or an escape such as \ud800 that is half a character, would come to light only where they are read.
    static void CheckTexts(string path, ReadOnlySpan<byte> bytes)
    {
        Utf8JsonReader reader = new(bytes);
        try
        {
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String) reader.GetString();
        }
        catch (InvalidOperationException e)
        {
            throw new CheckpointException(path, $"is not JSON (the text at byte {reader.TokenStartIndex} is no Unicode)", innerException: e);
        }
    }

    /// <summary>The value of a key; absent and null are the same.</summary>
    public bool Has(string key) => Find(key) is not null;

    JsonElement? Find(string key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    public int Integer(string key, int? fallback = null) => Find(key) is not { } value ? fallback ?? throw Missing(key)
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Unlike(key, "a whole number", value);

    public float Number(string key, float? fallback = null) => Find(key) is not { } value ? fallback ?? throw Missing(key)
        : value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out float number) && float.IsFinite(number) ? number : throw Unlike(key, "a number", value);

    public double Real(string key, double fallback) => Find(key) is not { } value ? fallback
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Unlike(key, "a number", value);

    public bool Flag(string key, bool fallback) => Find(key) is not { } value ? fallback
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Unlike(key, "true or false", value);

    public string Text(string key, string? fallback = null) => Find(key) is not { } value ? fallback ?? throw Missing(key)
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Unlike(key, "a text", value);

    public IReadOnlyList<string> Texts(string key)
    {
        List<string> texts = [];
        if (Find(key) is not { } value) return texts;
        if (value.ValueKind != JsonValueKind.Array) throw Unlike(key, "a list of texts", value);
        foreach (JsonElement item in value.EnumerateArray())
            texts.Add(item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Unlike(key, "a list of texts", value));
        return texts;
    }

    public IReadOnlyList<int> Integers(string key)
    {
        List<int> numbers = [];
        if (Find(key) is not { } value) return numbers;
        if (value.ValueKind != JsonValueKind.Array) throw Unlike(key, "a list of whole numbers", value);
        foreach (JsonElement item in value.EnumerateArray())
            numbers.Add(item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) ? number : throw Unlike(key, "a list of whole numbers", value));
        return numbers;
    }

    /// <summary>A list of whole numbers that may be written as one number, or be absent.</summary>
    public IReadOnlyList<int> IntegersOrOne(string key) => Find(key) is { ValueKind: JsonValueKind.Number } ? [Integer(key)] : Integers(key);

    /// <summary>An inner object; an empty one where it is absent.</summary>
    public ConfigFile Section(string key)
    {
        if (Find(key) is not { } value) return new(filePath, Bytes, Parse(filePath, "{}"u8.ToArray()).root, $"{prefix}{key}.");
        return value.ValueKind == JsonValueKind.Object ? new(filePath, Bytes, value, $"{prefix}{key}.") : throw Unlike(key, "an object", value);
    }

    public IEnumerable<string> Keys
    {
        get
        {
            foreach (JsonProperty property in root.EnumerateObject()) yield return property.Name;
        }
    }

    /// <summary>The file's text with some values changed; everything else keeps its place and spelling.</summary>
    public byte[] With(Action<JsonObject> change)
    {
        JsonObject edited = JsonNode.Parse(Bytes)!.AsObject();
        change(edited);
        return Write(edited);
    }

    public static byte[] Write(JsonObject config)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter writer = new(text, new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            config.WriteTo(writer);
        text.WriteByte((byte)'\n');
        return text.ToArray();
    }

    /// <summary>The kind of model by the file's own words, for messages: an architecture, else a type; null where it says neither.</summary>
    public string? Kind
    {
        get
        {
            foreach (string key in (string[])["architectures", "architecture", "model_type"])
            {
                if (Find(key) is not { } value) continue;
                if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) value = value[0];
                if (value.ValueKind == JsonValueKind.String) return value.GetString();
            }

            return null;
        }
    }

    public CheckpointException Fault(string problem) => new(filePath, problem);

    CheckpointException Missing(string key) => Fault($"lacks \"{prefix}{key}\"");

    CheckpointException Unlike(string key, string expected, JsonElement found) =>
        Fault($"\"{prefix}{key}\" must be {expected}, found {found.GetRawText()}");
}
