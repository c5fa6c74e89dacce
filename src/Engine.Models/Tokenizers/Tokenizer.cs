namespace Engine.Models;

/// <summary>Text to token numbers and back, as a model was trained with. Safe to use from several threads.</summary>
public abstract class Tokenizer
{
    /// <summary>How many tokens there are; numbers are 0 to this, exclusive.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that begins a text, or null where the model's texts begin without one.</summary>
    public abstract int? BeginId { get; }

    /// <summary>The token that ends a text, or null where the model knows none.</summary>
    public abstract int? EndId { get; }

    /// <summary>
    /// The tokenizer of a model folder: tokenizer.json (byte pairs, of bytes as LLaMA 3 and GPT-2 or of characters as LLaMA 2)
    /// or, where that is absent, tokenizer.model (SentencePiece). Begin and end come from there, from tokenizer_config.json,
    /// special_tokens_map.json, generation_config.json and config.json.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">There is no tokenizer, it is damaged, or it has a part that is not supported, which is named.</exception>
    public static Tokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return TokenizerFolder.Load(folder);
    }

    /// <summary>Whether a folder holds a tokenizer.</summary>
    public static bool IsIn(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return TokenizerFolder.IsIn(folder);
    }

    /// <summary>The files of a folder that make its tokenizer, to be saved with a model that was trained from it. Empty where it has none.</summary>
    /// <exception cref="CheckpointException">A file cannot be read.</exception>
    public static IReadOnlyDictionary<string, byte[]> Files(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return TokenizerFolder.Files(folder);
    }

    /// <summary>The tokens of a text, without begin and end. What looks like a special token in it is text like any other.</summary>
    /// <param name="text">Any text; an empty one has no tokens. Half a surrogate pair becomes U+FFFD.</param>
    public int[] Encode(string text) => Encode(text, specialTokens: false);

    /// <summary>The tokens of a text, without begin and end.</summary>
    /// <param name="text">Any text; an empty one has no tokens. Half a surrogate pair becomes U+FFFD.</param>
    /// <param name="specialTokens">Whether special tokens spelled out in the text (<c>&lt;/s&gt;</c>) are taken as such. Never for text from outside.</param>
    public abstract int[] Encode(string text, bool specialTokens);

    /// <summary>The text of tokens; begin, end and other special ones give nothing, bytes that are no UTF-8 give U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is not in the vocabulary.</exception>
    public abstract string Decode(IReadOnlyList<int> tokens);
}
