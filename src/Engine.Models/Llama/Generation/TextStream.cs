namespace Engine.Models;

/// <summary>
/// The text of an answer as its tokens come: never half a character, and nothing that may turn out to be the beginning of
/// a stop text.
/// </summary>
/// <param name="tokenizer">Tells the text of tokens.</param>
/// <param name="prompt">What is answered: how a token reads may depend on the one before (SentencePiece drops a space in front).</param>
/// <param name="stops">Texts that end the answer.</param>
sealed class TextStream(Tokenizer tokenizer, ReadOnlySpan<int> prompt, IReadOnlyList<string> stops)
{
    const char Broken = '\uFFFD';               // what stands for bytes that are no character, or not one yet
    const int MostBroken = 3;                   // of a character that is not whole yet
    const int Before = 4;                       // tokens of the prompt that are read along

    // The tokens since text last ended with a whole character, and those of the stretch before, for the reading.
    readonly List<int> window = [.. prompt[Math.Max(0, prompt.Length - Before)..]];
    int whole = Math.Min(Before, prompt.Length);    // tokens of the window whose text is out
    int read = -1;                                  // characters of the window's text that are out
    string held = "";                               // characters that may begin a stop text

    /// <summary>True once a stop text has come.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Adds a token.</summary>
    /// <returns>What can be shown now; often empty.</returns>
    public string Add(int token)
    {
        if (read < 0) read = tokenizer.Decode(window).Length;
        window.Add(token);
        string text = tokenizer.Decode(window);
        int broken = text.Length - text.AsSpan().TrimEnd(Broken).Length;
        int certain = Math.Max(read, text.Length - Math.Min(broken, MostBroken));
        string piece = certain > text.Length ? "" : text[Math.Min(read, text.Length)..certain];
        read = certain;
        if (broken == 0) Shorten();
        return Show(held + piece);
    }

    /// <summary>What was held back, if the answer ends here.</summary>
    public string Finish()
    {
        if (Stopped) return "";
        string text = tokenizer.Decode(window), rest = read >= 0 && read < text.Length ? text[read..] : "";
        string shown = Show(held + rest);
        return Stopped ? shown : shown + held;
    }

    // Reading from the last token whose text is out keeps the cost of a token the same however long the answer grows.
    void Shorten()
    {
        window.RemoveRange(0, whole);
        whole = window.Count;
        read = tokenizer.Decode(window).Length;
    }

    string Show(string text)
    {
        int end = -1;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (end < 0 || at < end)) end = at;
        }

        Stopped |= end >= 0;
        if (end < 0) end = text.Length - stops.Select(stop => Overlap(text, stop)).DefaultIfEmpty(0).Max();
        held = Stopped ? "" : text[end..];
        return text[..end];
    }

    // How many of a text's last characters are a stop text's first.
    static int Overlap(string text, string stop)
    {
        for (int length = Math.Min(text.Length, stop.Length - 1); length > 0; length--)
            if (text.AsSpan().EndsWith(stop.AsSpan(0, length), StringComparison.Ordinal)) return length;
        return 0;
    }
}
