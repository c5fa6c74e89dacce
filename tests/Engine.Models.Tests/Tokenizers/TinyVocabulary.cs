using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Engine.Models.Tests;

/// <summary>A small vocabulary learned from a few sentences, written as the files that people have.</summary>
static class TinyVocabulary
{
    public const string Corpus =
        "the quick brown fox jumps over the lazy dog . the other fox sees the quick dog and jumps . " +
        "then the brown dog thinks : there is nothing there , nothing at all ; the lazy one looks on .";

    /// <summary>Learned merges, the first first.</summary>
    /// <param name="words">What pairs do not cross.</param>
    /// <param name="count">How many.</param>
    public static List<(string Left, string Right)> Learn(IEnumerable<string> words, int count)
    {
        List<List<string>> split = [.. words.Select(word => word.Select(character => character.ToString()).ToList())];
        List<(string, string)> merges = [];
        while (merges.Count < count)
        {
            Dictionary<(string, string), int> counts = [];
            foreach (List<string> word in split)
                for (int i = 0; i + 1 < word.Count; i++) counts[(word[i], word[i + 1])] = counts.GetValueOrDefault((word[i], word[i + 1])) + 1;
            (string left, string right) = counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.Item1 + pair.Key.Item2, StringComparer.Ordinal).First().Key;
            merges.Add((left, right));
            foreach (List<string> word in split)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] != left || word[i + 1] != right) continue;
                    word[i] += right;
                    word.RemoveAt(i + 1);
                }
            }
        }
        return merges;
    }

    // ---- characters, as LLaMA 2

    /// <summary>unk, begin, end, 256 bytes, characters, merged pieces.</summary>
    public static List<string> MarkedPieces { get; } = BuildMarked();

    static List<string> BuildMarked()
    {
        List<string> pieces = ["<unk>", "<s>", "</s>"];
        for (int i = 0; i < 256; i++) pieces.Add($"<0x{i:X2}>");
        string[] words = ['\u2581' + Corpus.Replace(' ', '\u2581')];
        string[] cut = [.. words[0].Split('\u2581', StringSplitOptions.RemoveEmptyEntries).Select(word => '\u2581' + word)];
        foreach (char character in words[0].Distinct().Order()) pieces.Add(character.ToString());
        foreach ((string left, string right) in Learn(cut, 40))
            if (!pieces.Contains(left + right)) pieces.Add(left + right);
        return pieces;
    }

    /// <summary>Every way to make a piece of two others, by the piece's rank: what converting a SentencePiece model to tokenizer.json gives.</summary>
    public static IEnumerable<(string Left, string Right)> MarkedMerges()
    {
        HashSet<string> all = [.. MarkedPieces.Skip(259)];
        foreach (string piece in MarkedPieces.Skip(259))
            for (int cut = 1; cut < piece.Length; cut++)
                if (all.Contains(piece[..cut]) && all.Contains(piece[cut..])) yield return (piece[..cut], piece[cut..]);
    }

    /// <summary>A SentencePiece tokenizer.model, its protobuf fields written one by one (sentencepiece_model.proto).</summary>
    /// <param name="modelType">1 Unigram, 2 BPE.</param>
    public static byte[] SentencePiece(int modelType = 2)
    {
        using MemoryStream file = new();
        for (int id = 0; id < MarkedPieces.Count; id++)
        {
            using MemoryStream piece = new();
            Text(piece, 1, MarkedPieces[id]);
            piece.WriteByte(2 << 3 | 5);                                                       // score, fixed 32
            piece.Write(BitConverter.GetBytes(id < 259 ? 0f : 259f - id));
            Number(piece, 3, id switch { 0 => 2, 1 or 2 => 3, < 259 => 6, _ => 1 });            // unknown, control, byte, normal
            Message(file, 1, piece);
        }
        using MemoryStream trainer = new(), normalizer = new();
        Number(trainer, 3, modelType);
        Number(trainer, 35, 1);                                                                // byte_fallback
        (int Field, int Value)[] ids = [(40, 0), (41, 1), (42, 2)];
        foreach ((int field, int value) in ids) Number(trainer, field, value);
        Message(file, 2, trainer);
        Text(normalizer, 1, "identity");
        Number(normalizer, 3, 1);                                                              // add_dummy_prefix
        Number(normalizer, 4, 0);                                                              // remove_extra_whitespaces
        Number(normalizer, 5, 1);                                                              // escape_whitespaces
        Message(file, 3, normalizer);
        return file.ToArray();

        static void Varint(Stream stream, uint value)
        {
            for (; value >= 0x80; value >>= 7) stream.WriteByte((byte)(value | 0x80));
            stream.WriteByte((byte)value);
        }

        static void Number(Stream stream, int field, int value)
        {
            Varint(stream, (uint)field << 3);
            Varint(stream, (uint)value);
        }

        static void Bytes(Stream stream, int field, byte[] value)
        {
            Varint(stream, (uint)field << 3 | 2);
            Varint(stream, (uint)value.Length);
            stream.Write(value);
        }

        static void Text(Stream stream, int field, string value) => Bytes(stream, field, Encoding.UTF8.GetBytes(value));

        static void Message(Stream stream, int field, MemoryStream value) => Bytes(stream, field, value.ToArray());
    }

    /// <summary>The same as tokenizer.json.</summary>
    /// <param name="metaspace">Newer folders mark spaces in the pre-tokenizer, older ones in the normalizer.</param>
    public static JsonObject MarkedJson(bool metaspace = false)
    {
        JsonObject json = JsonNode.Parse("""
            {
              "version": "1.0",
              "added_tokens": [
                {"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}
              ],
              "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
              "pre_tokenizer": null,
              "post_processor": {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {}},
              "decoder": {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
              "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true}
            }
            """)!.AsObject();
        if (metaspace)
        {
            json["normalizer"] = null;
            json["pre_tokenizer"] = JsonNode.Parse("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}""");
        }
        Fill(json, MarkedPieces, MarkedMerges());
        return json;
    }

    // ---- bytes, as GPT-2 and LLaMA 3

    public const string Llama3Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>U+0120 stands for the space, as in GPT-2's spelling of bytes.</summary>
    public static List<(string Left, string Right)> ByteMerges { get; } =
        Learn(Corpus.Split(' ').Select((word, index) => (index == 0 ? "" : "\u0120") + word), 60);

    public static List<string> BytePieces { get; } = BuildBytes();

    static List<string> BuildBytes()
    {
        List<string> pieces = [];
        int other = 0;
        // The spelling of bytes again, in GPT-2's own words: printable ones stand for themselves.
        for (int i = 0; i < 256; i++)
            pieces.Add((i is >= 33 and <= 126 or >= 161 and <= 172 or >= 174 ? (char)i : (char)(256 + other++)).ToString());
        foreach ((string left, string right) in ByteMerges)
            if (!pieces.Contains(left + right)) pieces.Add(left + right);
        return pieces;
    }

    /// <param name="preTokenizer">JSON; null for LLaMA 3's split before bytes.</param>
    /// <param name="pairsAsLists">Newer files write ["a", "b"], older ones "a b".</param>
    public static JsonObject ByteJson(string? preTokenizer = null, bool pairsAsLists = false)
    {
        int end = BytePieces.Count;
        JsonObject json = JsonNode.Parse($$"""
            {
              "added_tokens": [
                {"id": {{end}}, "content": "<|end|>", "special": true},
                {"id": {{end + 1}}, "content": "<|end|>2", "special": true},
                {"id": {{end + 2}}, "content": "[note]", "special": false}
              ],
              "normalizer": null,
              "post_processor": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false},
              "decoder": {"type": "ByteLevel"},
              "model": {"type": "BPE", "unk_token": null}
            }
            """)!.AsObject();
        json["pre_tokenizer"] = preTokenizer is null
            ? new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Llama3Pattern }, ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false }),
            }
            : JsonNode.Parse(preTokenizer);
        Fill(json, BytePieces, ByteMerges, pairsAsLists);
        return json;
    }

    static void Fill(JsonObject json, List<string> pieces, IEnumerable<(string Left, string Right)> merges, bool pairsAsLists = false)
    {
        JsonObject vocabulary = [];
        for (int id = 0; id < pieces.Count; id++) vocabulary[pieces[id]] = id;
        json["model"]!["vocab"] = vocabulary;
        json["model"]!["merges"] = new JsonArray([.. merges.Select(pair => pairsAsLists
            ? (JsonNode)new JsonArray(pair.Left, pair.Right) : JsonValue.Create($"{pair.Left} {pair.Right}"))]);
    }

    // ---- texts that break tokenizers

    public static TheoryData<string> Texts { get; } = new(
        "", " ", "  ", "the", " the", "  the  lazy", "the quick brown fox jumps over the lazy dog.", "\n", "\n\n\nx\r\n", "tab\there",
        "Ünïcödé", "生活的真谛是", "🙂 and 👩‍👩‍👧 and 🏳️‍🌈", "e\u0301", "\u0000\u0001", "𝒜𝟙 letters beyond the plane", "<0x0A>", "<unk>", "it's we'll I'D", "1234567 89",
        "a\u00a0b\u2003c", "\ufeffmark", "there\u200bis", new string('t', 3000), "the the the\u0085next");

    public static byte[] Bytes(JsonObject json) => JsonSerializer.SerializeToUtf8Bytes(json, TestJson.Options);

    /// <summary>Texts at random from pieces of words, marks and letters of several scripts.</summary>
    public static IEnumerable<string> RandomTexts(int count)
    {
        string[] parts = ["the", "fox", " ", "  ", "\n", "q", "uick", "é", "漢", "🙂", "th", "in", "g", ".", "'s", "7", "42", "jump", "\t", "ov", "er", "lazy"];
        Random random = new(7);
        for (int i = 0; i < count; i++) yield return string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => parts[random.Next(parts.Length)]));
    }
}

static class TestJson
{
    public static JsonSerializerOptions Options { get; } = new();
}
