using System.Text.Json;
using System.Text.Unicode;

namespace Engine.Models;

/// <summary>Reads <c>model.safetensors.index.json</c>: which shard holds which tensor.</summary>
static class SafeTensorsIndex
{
    const string MapKey = "weight_map";

    /// <returns>Tensor name to the shard's file name, in the order of the index.</returns>
    /// <exception cref="CheckpointException">The file is no such index, or names a file outside its folder.</exception>
    public static OrderedDictionary<string, string> Read(string path)
    {
        byte[] json;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > SafeTensorsHeader.LargestHeader } file)
                throw new CheckpointException(path, $"index too large: {file.Length} bytes, the limit is {SafeTensorsHeader.LargestHeader}");
            json = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"cannot be opened: {e.Message}", innerException: e);
        }

        if (!Utf8.IsValid(json))
            throw new CheckpointException(path, "the index is not UTF-8");
        try
        {
            return Parse(json, path) ?? throw new CheckpointException(path, $"the index has no {MapKey}, which says where each tensor is");
        }
        catch (JsonException e)
        {
            throw new CheckpointException(path, $"the index is not JSON ({e.Message})", innerException: e);
        }
        catch (InvalidOperationException e)      // an escape such as \ud800 that is half a character
        {
            throw new CheckpointException(path, "the index holds an unpaired surrogate", innerException: e);
        }
    }

    static OrderedDictionary<string, string>? Parse(ReadOnlySpan<byte> json, string path)
    {
        OrderedDictionary<string, string>? map = null;
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 64 });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new CheckpointException(path, $"the index must be a JSON object, found {reader.TokenType}");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (key != MapKey)
                reader.Skip();
            else if (map is null)
                map = ParseMap(ref reader, path);
            else
                throw new CheckpointException(path, $"duplicate key: the index has two {MapKey}");
        }
        reader.Read();                           // refuses anything after the object
        return map;
    }

    static OrderedDictionary<string, string> ParseMap(ref Utf8JsonReader reader, string path)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new CheckpointException(path, $"{MapKey} must be an object, found {reader.TokenType}");
        OrderedDictionary<string, string> map = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string tensor = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new CheckpointException(path, $"{MapKey} must give a file name, found {reader.TokenType}", tensor);
            string shard = reader.GetString()!;
            // A name with a separator or a drive could reach outside the folder; no writer of shards makes one.
            if (shard is "" or "." or ".." || shard.AsSpan().ContainsAny("/\\:\0"))
                throw new CheckpointException(path, $"{MapKey} must name a file in the index's own folder, found \"{shard}\"", tensor);
            if (!map.TryAdd(tensor, shard))
                throw new CheckpointException(path, $"duplicate key: {MapKey} names it twice", tensor);
        }
        return map;
    }
}
