using System.Text.Json;

namespace Engine.Models;

/// <summary>Finds the tokenizer of a model folder and what begins and ends its texts.</summary>
sealed class TokenizerFolder
{
    const long LargestFile = 1 << 28;

    /// <summary>The files that belong to a tokenizer; vocab.json and merges.txt are GPT-2's old form of the same.</summary>
    public static readonly string[] FileNames =
        [TokenizerJson.Name, SentencePieceModel.Name, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json", "vocab.json", "merges.txt"];

    readonly string folder;
    readonly JsonElement settings, map, generation, config;

    TokenizerFolder(string folder)
    {
        this.folder = folder;
        settings = Json("tokenizer_config.json");
        map = Json("special_tokens_map.json");
        generation = Json("generation_config.json");
        config = Json(ConfigFile.Name);
    }

    public static Tokenizer Load(string folder)
    {
        if (!Directory.Exists(folder)) throw new CheckpointException(folder, "there is no such folder");
        string json = Path.Combine(folder, TokenizerJson.Name), model = Path.Combine(folder, SentencePieceModel.Name);
        if (File.Exists(json)) return new TokenizerFolder(folder).LoadJson(json);
        if (File.Exists(model)) return new TokenizerFolder(folder).LoadModel(model);
        throw new CheckpointException(folder, $"holds no {TokenizerJson.Name} or {SentencePieceModel.Name}; fetch one from where the weights came from, or name another folder");
    }

    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, TokenizerJson.Name)) || File.Exists(Path.Combine(folder, SentencePieceModel.Name));

    public static IReadOnlyDictionary<string, byte[]> Files(string folder)
    {
        Dictionary<string, byte[]> files = [];
        foreach (string name in FileNames)
            if (File.Exists(Path.Combine(folder, name))) files[name] = ReadFile(Path.Combine(folder, name));
        return files;
    }

    BytePairTokenizer LoadJson(string path)
    {
        TokenizerParts parts = TokenizerJson.Read(path, ReadFile(path));
        AddedTokens added = new(parts.Added);
        int? Find(string content) => added.Find(content) ?? (parts.Vocabulary.TryGetValue(content, out int id) ? id : null);
        string? begin = parts.TemplateBegin ?? (Flag(settings, "add_bos_token") == true ? Content("bos_token") : null);
        return new(parts, begin is null ? null : Find(begin) ?? throw NotThere(path, begin), End(Find));
    }

    SentencePieceModel LoadModel(string path) => SentencePieceModel.Read(path, ReadFile(path), Added(), (find, begin, end) =>
    {
        if (Flag(settings, "add_bos_token") == false) begin = null;
        else if (Content("bos_token") is { } content) begin = find(content) ?? begin;
        return (begin, End(find) ?? end);
    });

    int? End(Func<string, int?> find) =>
        (Content("eos_token") is { } content ? find(content) : null) ?? Number(generation, "eos_token_id") ?? Number(config, "eos_token_id");

    string? Content(string key) => Text(settings, key) ?? Text(map, key);

    // tokenizer_config.json numbers the tokens that were added; before that, added_tokens.json did.
    List<AddedToken> Added()
    {
        List<AddedToken> added = [];
        if (settings.TryGetProperty("added_tokens_decoder", out JsonElement decoder) && decoder.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty item in decoder.EnumerateObject())
            {
                if (int.TryParse(item.Name, out int id) && id is >= 0 and <= TokenizerJson.LargestId && Text(item.Value, "content") is { Length: > 0 } content)
                    added.Add(new(id, content, Flag(item.Value, "special") ?? false, Flag(item.Value, "lstrip") ?? false, Flag(item.Value, "rstrip") ?? false));
            }
        }
        foreach (JsonProperty item in Json("added_tokens.json").EnumerateObject())
        {
            if (item.Value.ValueKind == JsonValueKind.Number && item.Value.TryGetInt32(out int id) && id is >= 0 and <= TokenizerJson.LargestId
                && item.Name.Length > 0 && !added.Exists(token => token.Id == id))
                added.Add(new(id, item.Name, Special: true));
        }
        return added;
    }

    JsonElement Json(string name)
    {
        string path = Path.Combine(folder, name);
        byte[] bytes = File.Exists(path) ? ReadFile(path) : "{}"u8.ToArray();
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone()
                : throw new CheckpointException(path, $"must be a JSON object, found {document.RootElement.ValueKind}");
        }
        catch (JsonException e)
        {
            throw new CheckpointException(path, $"is not JSON ({e.Message})", innerException: e);
        }
    }

    // A token is a text, or an object with the text as content.
    static string? Text(JsonElement at, string key) =>
        at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(key, out JsonElement value) ? null
        : value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Object => Text(value, "content"),
            _ => null,
        };

    static bool? Flag(JsonElement at, string key) => at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(key, out JsonElement value) ? null
        : value.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };

    // A number, or a list of which the first counts.
    static int? Number(JsonElement at, string key)
    {
        if (!at.TryGetProperty(key, out JsonElement value)) return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) value = value[0];
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : null;
    }

    static CheckpointException NotThere(string path, string content) => new(path, $"\"{content}\", which begins a text, is not in the vocabulary");

    static byte[] ReadFile(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            return length <= LargestFile ? File.ReadAllBytes(path) : throw new CheckpointException(path, $"too large: {length} bytes, the limit is {LargestFile}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"cannot be opened: {e.Message}", innerException: e);
        }
    }
}
