using System.Text.Json;

namespace Engine.Training;

/// <summary>
/// Reads instruction data: a JSON list of objects with <c>instruction</c>, <c>input</c> (may be absent), <c>output</c> and
/// <c>answer</c> (may be absent), or one such object a line.
/// </summary>
public static class InstructionFile
{
    /// <summary>The examples of a file, in its order.</summary>
    /// <exception cref="DatasetException">It cannot be read; the message names the line or the entry.</exception>
    public static IReadOnlyList<InstructionExample> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] bytes = ReadBytes(path);
        ReadOnlySpan<byte> text = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes;
        ReadOnlySpan<byte> content = text.TrimStart(" \t\r\n"u8);
        if (content.IsEmpty) throw new DatasetException(path, "is empty");
        List<InstructionExample> examples = content[0] switch
        {
            (byte)'[' => ReadList(path, bytes.AsMemory(bytes.Length - text.Length)),
            (byte)'{' => ReadLines(path, text),
            _ => throw new DatasetException(path, "is neither a JSON list nor JSON lines: it begins with neither [ nor {"),
        };
        return examples.Count > 0 ? examples : throw new DatasetException(path, "holds no example");
    }

    internal static byte[] ReadBytes(string path)
    {
        try
        {
            return Directory.Exists(path) ? throw new DatasetException(path, "is a folder; name a file") : File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(path, e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : $"cannot be read: {e.Message.TrimEnd('.')}", e);
        }
    }

    static List<InstructionExample> ReadList(string path, ReadOnlyMemory<byte> text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            List<InstructionExample> examples = [];
            foreach (JsonElement item in document.RootElement.EnumerateArray()) examples.Add(Example(path, $"entry {examples.Count + 1}", item));
            return examples;
        }
        catch (JsonException e)
        {
            throw new DatasetException(path, $"line {e.LineNumber + 1}: not JSON ({Short(e)})", e);
        }
    }

    static List<InstructionExample> ReadLines(string path, ReadOnlySpan<byte> text)
    {
        List<InstructionExample> examples = [];
        int number = 0;
        foreach (Range range in text.Split((byte)'\n'))
        {
            number++;
            ReadOnlySpan<byte> line = text[range].Trim(" \t\r"u8);
            if (line.IsEmpty) continue;
            try
            {
                using JsonDocument document = JsonDocument.Parse(line.ToArray());
                examples.Add(Example(path, $"line {number}", document.RootElement));
            }
            catch (JsonException e)
            {
                throw new DatasetException(path, $"line {number}: not a whole JSON object ({Short(e)}); a list of several lines begins with [", e);
            }
        }

        return examples;
    }

    static InstructionExample Example(string path, string where, JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object) throw new DatasetException(path, $"{where}: must be an object with \"instruction\" and \"output\", found {item.ValueKind}");
        return new(Text("instruction", true)!, Text("input", false) ?? "", Text("output", true)!, Text("answer", false));

        string? Text(string key, bool required)
        {
            if (!item.TryGetProperty(key, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
                return required ? throw new DatasetException(path, $"{where}: lacks \"{key}\"") : null;
            if (value.ValueKind != JsonValueKind.String) throw new DatasetException(path, $"{where}: \"{key}\" must be a text, found {value.ValueKind}");
            try
            {
                return value.GetString();
            }
            catch (InvalidOperationException e)
            {
                throw new DatasetException(path, $"{where}: \"{key}\" is no Unicode", e);
            }
        }
    }

    // The exception's own text ends with line and byte, counted from 0.
    static string Short(JsonException e) => e.Message.Split(" LineNumber:", 2)[0].TrimEnd('.', ' ');
}
