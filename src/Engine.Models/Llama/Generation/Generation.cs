namespace Engine.Models;

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model gave an end token.</summary>
    EndToken,

    /// <summary>A stop text came.</summary>
    StopText,

    /// <summary>As many tokens came as were asked for.</summary>
    TokenLimit,

    /// <summary>The model's context is full.</summary>
    ContextFull,

    /// <summary>The caller cancelled.</summary>
    Cancelled,
}

/// <summary>A token of an answer, as it comes.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">What can be shown now that it is there: whole characters only, and nothing that may begin a stop text; often empty.</param>
/// <param name="Finish">With the last token, why it is the last.</param>
public readonly record struct GeneratedToken(int Id, string Text, FinishReason? Finish);

/// <summary>A whole answer.</summary>
/// <param name="Tokens">Its tokens; an end token is not among them, those of a stop text are.</param>
/// <param name="Text">Its text, up to the stop text if one came; empty without a tokenizer.</param>
/// <param name="Finish">Why it ended.</param>
public sealed record Generation(IReadOnlyList<int> Tokens, string Text, FinishReason Finish);
