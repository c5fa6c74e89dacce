using System.Text;

namespace Engine.Models;

/// <summary>What a tokenizer.json says: rewriting, cutting into words, byte pairs.</summary>
sealed class BytePairTokenizer : Tokenizer
{
    readonly TokenizerParts parts;
    readonly AddedTokens added;
    readonly Dictionary<string, int> vocabulary;
    readonly BytePairs pairs;
    readonly PieceDecoder decoder;
    readonly int[] byteIds = new int[256];          // -1 where the vocabulary has no piece for the byte

    public BytePairTokenizer(TokenizerParts parts, int? beginId, int? endId)
    {
        this.parts = parts;
        (vocabulary, pairs) = (parts.Vocabulary, new BytePairs(parts.Merges));
        added = new AddedTokens(parts.Added);
        decoder = new PieceDecoder(vocabulary, parts.Added, parts.Spelling, parts.StripsFirstSpace);
        for (int value = 0; value < byteIds.Length; value++)
        {
            string piece = parts.Spelling == PieceSpelling.Bytes ? ByteAlphabet.Character((byte)value).ToString() : PieceDecoder.ByteFallback((byte)value);
            byteIds[value] = vocabulary.TryGetValue(piece, out int id) ? id : -1;
        }
        (BeginId, EndId) = (beginId, endId);
    }

    public override int VocabularySize => decoder.Size;

    public override int? BeginId { get; }

    public override int? EndId { get; }

    public override string Decode(IReadOnlyList<int> tokens) => decoder.Decode(tokens);

    public override int[] Encode(string text, bool specialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> tokens = [];
        bool first = true;
        foreach (TextPart part in added.Split(WholeCharacters(text), specialTokens))
        {
            if (part.Id is { } id) tokens.Add(id);
            else EncodePlain(part.Text, first, tokens);
            first = false;
        }
        return [.. tokens];
    }

    internal static string WholeCharacters(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\ud800', '\udfff')) return text;
        StringBuilder whole = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes()) whole.Append(rune);        // halves come as U+FFFD
        return whole.ToString();
    }

    void EncodePlain(string text, bool first, List<int> tokens)
    {
        foreach (Func<string, string> rewrite in parts.Normalizers) text = rewrite(text);
        if (text.Length == 0) return;
        text = parts.Prefix switch
        {
            PrefixRule.SpaceMark when (first || !parts.PrefixFirstOnly) && text[0] != PieceDecoder.SpaceMark => PieceDecoder.SpaceMark + text,
            PrefixRule.Space when text[0] != ' ' => ' ' + text,
            _ => text,
        };
        IEnumerable<string> words = [text];
        foreach (TextSplitter splitter in parts.Splitters) words = words.SelectMany(splitter.Split);
        foreach (string word in words) EncodeWord(word, tokens);
    }

    void EncodeWord(string word, List<int> tokens)
    {
        if (parts.Spelling == PieceSpelling.Bytes)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(word);
            if (parts.IgnoresMerges && vocabulary.TryGetValue(string.Create(bytes.Length, bytes, Spell), out int whole)) tokens.Add(whole);
            else pairs.Merge(BytesToIds(bytes), tokens);
        }
        else
        {
            if (parts.IgnoresMerges && vocabulary.TryGetValue(word, out int whole)) tokens.Add(whole);
            else pairs.Merge(CharactersToIds(word), tokens);
        }
    }

    static void Spell(Span<char> characters, byte[] bytes)
    {
        for (int i = 0; i < bytes.Length; i++) characters[i] = ByteAlphabet.Character(bytes[i]);
    }

    // The reader has made sure that a byte without a piece can only meet an unknown token.
    int[] BytesToIds(byte[] bytes)
    {
        int[] ids = new int[bytes.Length];
        for (int i = 0; i < ids.Length; i++) ids[i] = byteIds[bytes[i]] >= 0 ? byteIds[bytes[i]] : parts.UnknownId!.Value;
        return ids;
    }

    int[] CharactersToIds(string word)
    {
        List<int> ids = new(word.Length);
        bool afterUnknown = false;
        Span<byte> bytes = stackalloc byte[4];
        foreach (Rune rune in word.EnumerateRunes())
        {
            bool unknown = false;
            if (vocabulary.TryGetValue(rune.ToString(), out int id)) ids.Add(id);
            else if (parts.FallsBackToBytes)
            {
                foreach (byte value in bytes[..rune.EncodeToUtf8(bytes)]) ids.Add(byteIds[value]);
            }
            else
            {
                unknown = true;
                if (!(afterUnknown && parts.FusesUnknown)) ids.Add(parts.UnknownId!.Value);
            }
            afterUnknown = unknown;
        }
        return [.. ids];
    }
}

/// <summary>What is put before a text.</summary>
enum PrefixRule
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>A space, unless there is one.</summary>
    Space,

    /// <summary>U+2581, unless there is one.</summary>
    SpaceMark,
}

/// <summary>The parts of a tokenizer.json, checked.</summary>
sealed record TokenizerParts
{
    public required Dictionary<string, int> Vocabulary { get; init; }
    public required IReadOnlyList<(int Left, int Right, int Result)> Merges { get; init; }
    public required IReadOnlyList<AddedToken> Added { get; init; }
    public required PieceSpelling Spelling { get; init; }
    public IReadOnlyList<Func<string, string>> Normalizers { get; init; } = [];
    public IReadOnlyList<TextSplitter> Splitters { get; init; } = [];
    public PrefixRule Prefix { get; init; }
    public bool PrefixFirstOnly { get; init; }
    public bool StripsFirstSpace { get; init; }
    public bool IgnoresMerges { get; init; }
    public bool FallsBackToBytes { get; init; }
    public bool FusesUnknown { get; init; }
    public int? UnknownId { get; init; }

    /// <summary>The special token that the post-processor puts first, or null.</summary>
    public string? TemplateBegin { get; init; }
}
