using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Engine.Models;

/// <summary>
/// Reads Hugging Face's tokenizer.json. What is supported: BPE models of bytes or characters; the normalizers NFC, NFD, NFKC,
/// NFKD, Prepend, Replace; the pre-tokenizers ByteLevel, Split, Digits, Metaspace; sequences of them. Anything else is refused by name,
/// since a token that differs from what the model was trained with would go unnoticed.
/// </summary>
sealed class TokenizerJson
{
    public const string Name = "tokenizer.json";

    readonly string path;
    readonly List<Func<string, string>> normalizers = [];
    readonly List<TextSplitter> splitters = [];
    PrefixRule prefix;
    bool prefixFirstOnly, bytes, prepends;

    TokenizerJson(string path) => this.path = path;

    public static TokenizerParts Read(string path, byte[] text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return new TokenizerJson(path).Parts(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new CheckpointException(path, $"is not JSON ({e.Message})", innerException: e);
        }
        catch (InvalidOperationException e)         // a text of half a surrogate pair, or bytes that are no UTF-8
        {
            throw new CheckpointException(path, $"is damaged ({e.Message})", innerException: e);
        }
    }

    TokenizerParts Parts(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw Fault($"must be a JSON object, found {root.ValueKind}");
        JsonElement model = Find(root, "model") is { ValueKind: JsonValueKind.Object } found ? found : throw Fault("lacks the object \"model\"");
        string kind = Text(model, "type") ?? (Find(model, "merges") is null ? "without a type" : "BPE");
        if (kind != "BPE") throw Unsupported("model", kind, "only BPE is");
        foreach (string key in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (Text(model, key) is { Length: > 0 } affix) throw Fault($"model.{key} \"{affix}\" is not supported");
        if (Find(model, "dropout") is { ValueKind: JsonValueKind.Number } dropout && dropout.GetDouble() > 0)
            throw Fault("model.dropout is set: tokens would be drawn at random, which is not supported");

        if (Find(root, "normalizer") is { } normalizer) Normalizer(normalizer);
        if (Find(root, "pre_tokenizer") is { } preTokenizer) PreTokenizer(preTokenizer);

        Dictionary<string, int> vocabulary = Vocabulary(model);
        IReadOnlyList<AddedToken> added = Added(root);
        PieceSpelling spelling = bytes ? PieceSpelling.Bytes : PieceSpelling.Marked;
        bool strips = prefix == PrefixRule.SpaceMark || prepends;
        if (Find(root, "decoder") is { } decoder) CheckDecoder(decoder, ref strips);
        TokenizerParts parts = new()
        {
            Vocabulary = vocabulary,
            Merges = Merges(model, vocabulary),
            Added = added,
            Spelling = spelling,
            Normalizers = normalizers,
            Splitters = splitters,
            Prefix = prefix,
            PrefixFirstOnly = prefixFirstOnly,
            StripsFirstSpace = strips,
            IgnoresMerges = Flag(model, "ignore_merges"),
            FallsBackToBytes = Flag(model, "byte_fallback"),
            FusesUnknown = Flag(model, "fuse_unk"),
            UnknownId = Text(model, "unk_token") is { } unknown ? IdOf(unknown, vocabulary, added) : null,
            TemplateBegin = Find(root, "post_processor") is { } post ? TemplateBegin(post) : null,
        };
        CheckCovers(parts);
        return parts;
    }

    // ---- the model

    Dictionary<string, int> Vocabulary(JsonElement model)
    {
        if (Find(model, "vocab") is not { ValueKind: JsonValueKind.Object } vocab) throw Fault("lacks the object \"model.vocab\"");
        Dictionary<string, int> vocabulary = new(StringComparer.Ordinal);
        foreach (JsonProperty piece in vocab.EnumerateObject())
        {
            if (piece.Value.ValueKind != JsonValueKind.Number || !piece.Value.TryGetInt32(out int id) || id is < 0 or > LargestId)
                throw Fault($"model.vocab: \"{piece.Name}\" must have a number from 0 to {LargestId}, found {piece.Value.GetRawText()}");
            vocabulary[piece.Name] = id;
        }
        return vocabulary.Count > 0 ? vocabulary : throw Fault("model.vocab is empty");
    }

    List<(int, int, int)> Merges(JsonElement model, Dictionary<string, int> vocabulary)
    {
        if (Find(model, "merges") is not { ValueKind: JsonValueKind.Array } list) throw Fault("lacks the list \"model.merges\"");
        List<(int, int, int)> merges = new(list.GetArrayLength());
        foreach (JsonElement item in list.EnumerateArray())
        {
            (string left, string right) = Pair(item);
            merges.Add((Piece(left), Piece(right), Piece(left + right)));
        }
        return merges;

        int Piece(string piece) => vocabulary.TryGetValue(piece, out int id) ? id
            : throw Fault($"model.merges, entry {merges.Count}: \"{piece}\" is not in the vocabulary");

        (string, string) Pair(JsonElement item)
        {
            if (item.ValueKind == JsonValueKind.Array && item.GetArrayLength() == 2 && item[0].ValueKind == JsonValueKind.String && item[1].ValueKind == JsonValueKind.String)
                return (item[0].GetString()!, item[1].GetString()!);
            if (item.ValueKind == JsonValueKind.String && item.GetString()!.Split(' ') is [{ Length: > 0 } left, { Length: > 0 } right])
                return (left, right);
            throw Fault($"model.merges, entry {merges.Count}: must be \"a b\" or [\"a\", \"b\"], found {item.GetRawText()}");
        }
    }

    List<AddedToken> Added(JsonElement root)
    {
        List<AddedToken> added = [];
        if (Find(root, "added_tokens") is not { } list) return added;
        if (list.ValueKind != JsonValueKind.Array) throw Fault("added_tokens must be a list");
        foreach (JsonElement item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object || Text(item, "content") is not { Length: > 0 } content
                || Find(item, "id") is not { ValueKind: JsonValueKind.Number } number || !number.TryGetInt32(out int id) || id is < 0 or > LargestId)
                throw Fault($"added_tokens, entry {added.Count}: must have \"id\" and \"content\", found {item.GetRawText()}");
            if (Flag(item, "single_word")) throw Fault($"added token \"{content}\": single_word is not supported");
            added.Add(new(id, content, Flag(item, "special"), Flag(item, "lstrip"), Flag(item, "rstrip")));
        }
        return added;
    }

    void CheckCovers(TokenizerParts parts)
    {
        if (parts.UnknownId is not null && !parts.FallsBackToBytes) return;
        if (parts.Spelling == PieceSpelling.Marked && !parts.FallsBackToBytes)
            throw Fault("has neither byte_fallback nor unk_token, so that it could not write every text");
        for (int value = 0; value < 0xF5; value++)          // F5 and above, C0 and C1 occur in no UTF-8
        {
            string piece = parts.Spelling == PieceSpelling.Bytes ? ByteAlphabet.Character((byte)value).ToString() : PieceDecoder.ByteFallback((byte)value);
            if (value is not (0xC0 or 0xC1) && !parts.Vocabulary.ContainsKey(piece))
                throw Fault($"model.vocab has no piece for the byte 0x{value:X2} (\"{piece}\"), so that it could not write every text");
        }
    }

    // ---- rewriting and cutting

    void Normalizer(JsonElement normalizer)
    {
        switch (Kind(normalizer, "normalizer"))
        {
            case "Sequence":
                foreach (JsonElement item in Items(normalizer, "normalizers")) Normalizer(item);
                break;
            case "NFC": Unicode(NormalizationForm.FormC); break;
            case "NFD": Unicode(NormalizationForm.FormD); break;
            case "NFKC": Unicode(NormalizationForm.FormKC); break;
            case "NFKD": Unicode(NormalizationForm.FormKD); break;
            case "Prepend":
                string first = Text(normalizer, "prepend") ?? throw Fault("normalizer Prepend lacks \"prepend\"");
                normalizers.Add(text => text.Length == 0 ? text : first + text);
                prepends = first is " " or "\u2581";
                break;
            case "Replace":
                Regex pattern = Pattern(normalizer, "normalizer Replace");
                string content = Text(normalizer, "content") ?? throw Fault("normalizer Replace lacks \"content\"");
                normalizers.Add(text => pattern.Replace(text, content.Replace("$", "$$", StringComparison.Ordinal)));
                break;
            case var other:
                throw Unsupported("normalizer", other, "NFC, NFD, NFKC, NFKD, Prepend, Replace and Sequence are");
        }

        void Unicode(NormalizationForm form) => normalizers.Add(text => UnicodeForms.Normalize(text, form));
    }

    void PreTokenizer(JsonElement item)
    {
        switch (Kind(item, "pre-tokenizer"))
        {
            case "Sequence":
                foreach (JsonElement inner in Items(item, "pretokenizers")) PreTokenizer(inner);
                break;
            case "ByteLevel":
                bytes = true;
                // The prefix goes before the first word, and all words are cut after it is there; a split before this one would give every word a space.
                if (Flag(item, "add_prefix_space") && splitters.Count > 0) throw Fault("pre-tokenizer ByteLevel with add_prefix_space after a split is not supported");
                if (Flag(item, "add_prefix_space")) prefix = PrefixRule.Space;
                if (Flag(item, "use_regex", fallback: true)) splitters.Add(TextSplitter.Gpt2);
                break;
            case "Split":
                string behavior = Text(item, "behavior") ?? "Isolated";
                bool invert = Flag(item, "invert");
                if (behavior != "Isolated" && !(behavior == "Removed" && invert))
                    throw Fault($"pre-tokenizer Split with behavior {behavior}{(invert ? ", inverted," : "")} is not supported; Isolated is, and Removed where it is inverted");
                splitters.Add(new(Pattern(item, "pre-tokenizer Split"), keepsRest: behavior == "Isolated"));
                break;
            case "Digits":
                splitters.Add(new(TextSplitter.Pattern(Flag(item, "individual_digits") ? @"\p{N}" : @"\p{N}+"), keepsRest: true));
                break;
            case "Metaspace":
                if (Text(item, "replacement") is { } mark && mark != "\u2581") throw Fault($"pre-tokenizer Metaspace with the replacement \"{mark}\" is not supported; \"\u2581\" is");
                string scheme = Scheme(item, Flag(item, "add_prefix_space", fallback: true));
                if (scheme != "never") prefix = PrefixRule.SpaceMark;
                prefixFirstOnly = scheme == "first";
                normalizers.Add(text => text.Replace(' ', PieceDecoder.SpaceMark));
                if (Flag(item, "split", fallback: true)) splitters.Add(new(TextSplitter.Pattern("\u2581?[^\u2581]+|\u2581"), keepsRest: true));
                break;
            case var other:
                throw Unsupported("pre-tokenizer", other, "ByteLevel, Split, Digits, Metaspace and Sequence are");
        }
    }

    string Scheme(JsonElement item, bool prefixes) => (Text(item, "prepend_scheme") ?? (prefixes ? "always" : "never")) switch
    {
        "always" => "always",
        "first" => "first",
        "never" => "never",
        var other => throw Fault($"Metaspace with prepend_scheme {other} is not supported; always, first and never are"),
    };

    Regex Pattern(JsonElement item, string where)
    {
        if (Find(item, "pattern") is { ValueKind: JsonValueKind.Object } pattern)
        {
            if (Text(pattern, "String") is { } literal) return TextSplitter.Pattern(Regex.Escape(literal));
            if (Text(pattern, "Regex") is { } expression)
            {
                try
                {
                    return TextSplitter.Pattern(expression);
                }
                catch (ArgumentException e)
                {
                    throw new CheckpointException(path, $"{where}: the pattern cannot be used ({e.Message})", innerException: e);
                }
            }
        }
        throw Fault($"{where} lacks \"pattern\" with \"Regex\" or \"String\"");
    }

    // ---- what comes after the tokens

    void CheckDecoder(JsonElement decoder, ref bool strips)
    {
        switch (Kind(decoder, "decoder"))
        {
            case "Sequence":
                strips = false;
                foreach (JsonElement item in Items(decoder, "decoders")) CheckDecoder(item, ref strips);
                break;
            case "Strip":
                strips = Find(decoder, "start") is { ValueKind: JsonValueKind.Number } start && start.GetInt32() == 1;
                break;
            case "Metaspace":
                strips = Scheme(decoder, Flag(decoder, "add_prefix_space", fallback: true)) != "never";
                break;
            case "ByteLevel" or "ByteFallback" or "Fuse" or "Replace":
                break;
            case var other:
                throw Unsupported("decoder", other, "ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace and Sequence are");
        }
    }

    string? TemplateBegin(JsonElement post)
    {
        switch (Kind(post, "post-processor"))
        {
            case "Sequence":
                string? begin = null;
                foreach (JsonElement item in Items(post, "processors")) begin ??= TemplateBegin(item);
                return begin;
            case "TemplateProcessing":
                JsonElement[] single = [.. Items(post, "single")];
                return single.Length > 0 && Find(single[0], "SpecialToken") is { } token ? Text(token, "id") : null;
            case "ByteLevel":
                return null;
            case var other:
                throw Unsupported("post-processor", other, "TemplateProcessing, ByteLevel and Sequence are");
        }
    }

    // ---- reading

    internal const int LargestId = 1 << 24;         // a hundred times the largest vocabularies; a table of this length is still cheap

    static JsonElement? Find(JsonElement at, string key) =>
        at.ValueKind == JsonValueKind.Object && at.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    static string? Text(JsonElement at, string key) => Find(at, key) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    static bool Flag(JsonElement at, string key, bool fallback = false) => Find(at, key) is { } value ? value.ValueKind == JsonValueKind.True : fallback;

    string Kind(JsonElement at, string what) => Text(at, "type") ?? throw Fault($"a {what} has no type");

    JsonElement.ArrayEnumerator Items(JsonElement at, string key) =>
        Find(at, key) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : throw Fault($"lacks the list \"{key}\"");

    int IdOf(string piece, Dictionary<string, int> vocabulary, IReadOnlyList<AddedToken> added)
    {
        if (vocabulary.TryGetValue(piece, out int id)) return id;
        foreach (AddedToken token in added)
            if (token.Content == piece) return token.Id;
        throw Fault($"\"{piece}\" is not in the vocabulary");
    }

    CheckpointException Unsupported(string part, string kind, string what) => Fault($"{part} {kind} is not supported; {what}");

    CheckpointException Fault(string problem) => new(path, problem);
}
