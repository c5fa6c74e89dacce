namespace Engine.Models;

/// <summary>Text to token numbers and back, as a model was trained with. Safe to use from several threads.</summary>
public abstract class Tokenizer
{
    /// <summary>How many tokens there are; numbers are 0 to this, exclusive.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that begins a text, or null where the model knows none.</summary>
    public abstract int? BeginId { get; }

    /// <summary>The token that ends a text, or null where the model knows none.</summary>
    public abstract int? EndId { get; }

    /// <summary>The tokens of a text, without begin and end.</summary>
    public abstract int[] Encode(string text);

    /// <summary>The text of tokens; begin, end and other special ones give nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is not in the vocabulary.</exception>
    public abstract string Decode(IReadOnlyList<int> tokens);
}
