using System.Text;

namespace Engine.Models.Tests;

/// <summary>
/// A tokenizer whose tokens are bytes (3 to 258) and some longer texts, with a token that begins a text (1) and one that
/// ends it (2): every way in which characters and stop texts can lie across tokens.
/// </summary>
sealed class CharacterTokenizer(params string[] words) : Tokenizer
{
    public override int VocabularySize => 259 + words.Length;

    public override int? BeginId => 1;

    public override int? EndId => 2;

    public override int[] Encode(string text, bool specialTokens) => [.. Encoding.UTF8.GetBytes(text).Select(value => value + 3)];

    public int Word(string word) => 259 + Array.IndexOf(words, word);

    public override string Decode(IReadOnlyList<int> tokens)
    {
        List<byte> bytes = [];
        foreach (int token in tokens)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, VocabularySize, nameof(tokens));
            if (token >= 259) bytes.AddRange(Encoding.UTF8.GetBytes(words[token - 259]));
            else if (token >= 3) bytes.Add((byte)(token - 3));
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
