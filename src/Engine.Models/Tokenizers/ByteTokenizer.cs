using System.Text.Json;

namespace Engine.Models;

/// <summary>
/// The tokenizer that needs no file: 256 bytes, a token that begins a text and one that ends it. It is a tokenizer.json like
/// any other, so that a model trained with it is a whole Hugging Face folder.
/// </summary>
public static class ByteTokenizer
{
    /// <summary>Tokens: the bytes, begin, end.</summary>
    public const int VocabularySize = 258;

    /// <summary>The number of the token that begins a text.</summary>
    public const int BeginId = 256;

    /// <summary>The number of the token that ends a text.</summary>
    public const int EndId = 257;

    const string Begin = "<s>", End = "</s>";

    /// <summary>Makes it. A token is a byte of UTF-8, and its number the byte.</summary>
    public static Tokenizer Create() => new BytePairTokenizer(TokenizerJson.Read(TokenizerJson.Name, WriteModel()), BeginId, EndId);

    /// <summary>Its files, to be saved with a model: tokenizer.json and tokenizer_config.json.</summary>
    public static IReadOnlyDictionary<string, byte[]> Files() => new Dictionary<string, byte[]>
    {
        [TokenizerJson.Name] = WriteModel(),
        ["tokenizer_config.json"] = Write(json =>
        {
            json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
            json.WriteString("bos_token", Begin);
            json.WriteString("eos_token", End);
            json.WriteBoolean("clean_up_tokenization_spaces", false);
        }),
    };

    static byte[] WriteModel() => Write(json =>
    {
        json.WriteString("version", "1.0");
        json.WriteStartArray("added_tokens");
        WriteAdded(json, BeginId, Begin);
        WriteAdded(json, EndId, End);
        json.WriteEndArray();
        json.WriteNull("normalizer");
        json.WriteStartObject("pre_tokenizer");
        WriteByteLevel(json);
        json.WriteEndObject();
        json.WriteStartObject("post_processor");
        WriteTemplate(json);
        json.WriteEndObject();
        json.WriteStartObject("decoder");
        WriteByteLevel(json);
        json.WriteEndObject();
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteBoolean("byte_fallback", false);
        json.WriteStartObject("vocab");
        for (int value = 0; value < 256; value++) json.WriteNumber(ByteAlphabet.Character((byte)value).ToString(), value);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        json.WriteEndArray();
        json.WriteEndObject();
    });

    static void WriteAdded(Utf8JsonWriter json, int id, string content)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteString("content", content);
        foreach (string flag in (string[])["single_word", "lstrip", "rstrip", "normalized"]) json.WriteBoolean(flag, false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
    }

    static void WriteByteLevel(Utf8JsonWriter json)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", false);
    }

    // single: <s> A; pair: <s> A B
    static void WriteTemplate(Utf8JsonWriter json)
    {
        json.WriteString("type", "TemplateProcessing");
        foreach ((string name, string[] sequences) in ((string, string[])[])[("single", ["A"]), ("pair", ["A", "B"])])
        {
            json.WriteStartArray(name);
            WritePlace(json, "SpecialToken", Begin);
            foreach (string sequence in sequences) WritePlace(json, "Sequence", sequence);
            json.WriteEndArray();
        }
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(Begin);
        json.WriteString("id", Begin);
        json.WriteStartArray("ids");
        json.WriteNumberValue(BeginId);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(Begin);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void WritePlace(Utf8JsonWriter json, string kind, string id)
    {
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static byte[] Write(Action<Utf8JsonWriter> content)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, new() { Indented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }
        text.WriteByte((byte)'\n');
        return text.ToArray();
    }
}
