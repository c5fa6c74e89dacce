namespace Engine.Training;

/// <summary>Tokens of which some are to be learned.</summary>
/// <param name="Tokens">From the first to the last, begin and end among them; two or more.</param>
/// <param name="FirstLabel">The first token that is to be predicted, 1 or more; those before are only read.</param>
public sealed record TokenExample(int[] Tokens, int FirstLabel)
{
    /// <summary>T: what the model reads; the last token is only predicted.</summary>
    public int Length => Tokens.Length - 1;

    /// <summary>How many are predicted.</summary>
    public int Labels => Tokens.Length - FirstLabel;
}
