using Engine.Models;

namespace Engine.Training;

/// <summary>How texts become tokens.</summary>
public sealed record TextEncoding
{
    /// <summary>The text before the answer.</summary>
    public PromptTemplate Template { get; init; } = PromptTemplate.Alpaca;

    /// <summary>The longest example in tokens, 2 or more; what is longer is cut at the end.</summary>
    public int Cutoff { get; init; } = 256;

    /// <summary>Learn the prompt as well, not the answer alone.</summary>
    public bool TrainOnPrompt { get; init; }
}

/// <summary>Examples as tokens, and what was lost on the way.</summary>
/// <param name="Examples">Those with something to learn, in the order of the data.</param>
/// <param name="Cut">How many were longer than the cutoff, those left out among them.</param>
/// <param name="LeftOut">How many were cut before their answer began, so that nothing was left to learn.</param>
public sealed record EncodedTexts(IReadOnlyList<TokenExample> Examples, int Cut, int LeftOut)
{
    /// <summary>What was lost, for people; null where nothing was.</summary>
    public string? Loss(int cutoff) => Cut == 0 ? null
        : $"{Cut:N0} of {Examples.Count + LeftOut:N0} texts are longer than {cutoff} tokens and are cut" + (LeftOut == 0 ? "" : $"; {LeftOut:N0} of them before the answer began, which are left out");
}

/// <summary>Turns instruction data and plain text into tokens.</summary>
public static class TextEncoder
{
    /// <summary>Begin, prompt, answer, end; only the answer and the end are learned, unless asked otherwise.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="examples">The data.</param>
    /// <param name="encoding">How.</param>
    /// <param name="location">The file, for messages.</param>
    /// <exception cref="DatasetException">Nothing is left to learn.</exception>
    public static EncodedTexts Encode(Tokenizer tokenizer, IReadOnlyList<InstructionExample> examples, TextEncoding encoding, string location)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(encoding);
        ArgumentOutOfRangeException.ThrowIfLessThan(encoding.Cutoff, 2);
        List<TokenExample> kept = new(examples.Count);
        int cut = 0, leftOut = 0;
        foreach (InstructionExample example in examples)
        {
            (int[] tokens, int prompt) = Tokens(tokenizer, encoding.Template.Of(example), example.Output);
            // The end token stands for a whole answer: a text that is cut has none.
            if (tokens.Length > encoding.Cutoff)
            {
                tokens = tokens[..encoding.Cutoff];
                cut++;
            }

            int first = encoding.TrainOnPrompt ? 1 : Math.Max(prompt, 1);
            if (first < tokens.Length) kept.Add(new(tokens, first));
            else leftOut++;
        }

        return kept.Count > 0 ? new(kept, cut, leftOut)
            : throw new DatasetException(location, $"every prompt is longer than the cutoff of {encoding.Cutoff} tokens, so that no answer is left to learn; use a larger --cutoff or a shorter template");
    }

    /// <summary>The tokens of a prompt with its answer.</summary>
    /// <returns>All tokens, begin and end among them, and how many belong to the prompt.</returns>
    internal static (int[] Tokens, int Prompt) Tokens(Tokenizer tokenizer, string prompt, string answer)
    {
        int[] whole = tokenizer.Encode(prompt + answer), alone = tokenizer.Encode(prompt);
        // A token may span the seam: then it belongs to the answer.
        int shared = whole.AsSpan().CommonPrefixLength(alone);
        List<int> tokens = new(whole.Length + 2);
        if (tokenizer.BeginId is { } begin) tokens.Add(begin);
        tokens.AddRange(whole);
        if (tokenizer.EndId is { } end) tokens.Add(end);
        return ([.. tokens], shared + (tokenizer.BeginId is null ? 0 : 1));
    }

    /// <summary>
    /// Plain text as one stream of tokens, cut into windows that follow each other: each reads <paramref name="length"/> tokens
    /// and predicts the one after each. What is left at the end makes a shorter window.
    /// </summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="text">The text.</param>
    /// <param name="length">T of a window, 1 or more.</param>
    /// <param name="location">The file, for messages.</param>
    /// <exception cref="DatasetException">The text is too short to predict anything.</exception>
    public static IReadOnlyList<TokenExample> Windows(Tokenizer tokenizer, string text, int length, string location)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        List<int> stream = [];
        if (tokenizer.BeginId is { } begin) stream.Add(begin);
        stream.AddRange(tokenizer.Encode(text));
        int[] tokens = [.. stream];
        if (tokens.Length < 2 || text.Length == 0) throw new DatasetException(location, "is empty or too short to learn from");
        List<TokenExample> windows = [];
        for (int at = 0; at + 1 < tokens.Length; at += length)
            windows.Add(new(tokens[at..Math.Min(at + length + 1, tokens.Length)], 1));
        return windows;
    }
}
