using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Prompts as JSON lines, each a text or an object with "prompt" and whatever else; answers come back with all of it.</summary>
sealed class PromptLines
{
    readonly List<JsonObject> lines = [];

    /// <summary>Text as it is read, not as \u escapes.</summary>
    public static JsonSerializerOptions Plain { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The prompts, in the order of the file.</summary>
    public IReadOnlyList<string> Prompts => [.. lines.Select(line => line["prompt"]!.GetValue<string>())];

    /// <summary>Reads a file; empty lines are nothing.</summary>
    /// <exception cref="DatasetException">It is not there, is not UTF-8, holds no prompt, or a line is none; the message names the line.</exception>
    public static PromptLines Read(string path)
    {
        PromptLines read = new();
        int number = 0;
        foreach (string line in Text(path).Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line)) read.lines.Add(Parse(path, number, line));
        }

        return read.lines.Count > 0 ? read : throw new DatasetException(path, $"holds no prompts; give JSON lines such as {{\"prompt\": \"Once upon a time\"}}");
    }

    static JsonObject Parse(string path, int number, string line)
    {
        JsonObject? found;
        string? prompt;
        try
        {
            JsonNode? node = JsonNode.Parse(line);
            found = node is JsonValue ? new() { ["prompt"] = node } : node as JsonObject;
            prompt = found?["prompt"] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException)     // no JSON; a key twice; half a character
        {
            throw new DatasetException(path, $"line {number} is not JSON; give lines such as {{\"prompt\": \"Once upon a time\"}}");
        }

        if (prompt is null) throw new DatasetException(path, $"line {number} is neither a text nor an object with a text \"prompt\"");
        return prompt.Length > 0 ? found! : throw new DatasetException(path, $"line {number} has an empty prompt; give at least a word to continue");
    }

    /// <summary>A line of the file with what came of it.</summary>
    public string Answered(int index, JsonObject answer)
    {
        JsonObject line = lines[index].DeepClone().AsObject();
        foreach (var (key, value) in answer) line[key] = value?.DeepClone();
        return line.ToJsonString(Plain);
    }

    /// <summary>The text of a file.</summary>
    /// <exception cref="DatasetException">It is not there, or not UTF-8.</exception>
    public static string Text(string path)
    {
        if (!File.Exists(path)) throw new DatasetException(path, "there is no such file");
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            throw new DatasetException(path, "is not UTF-8");
        }
    }
}
