namespace Engine.Training;

/// <summary>Texts to learn from and texts to measure on.</summary>
public static class TextSplit
{
    /// <summary>Holds some items out, chosen by the seed; both parts keep their order.</summary>
    /// <param name="items">All.</param>
    /// <param name="share">The share to hold out, above 0 and below 1; at least one item, where there are two.</param>
    /// <param name="seed">Decides which.</param>
    public static (IReadOnlyList<T> Kept, IReadOnlyList<T> HeldOut) HoldOut<T>(IReadOnlyList<T> items, double share, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (share is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "The share to hold out must be above 0 and below 1.");
        int count = Math.Min(Math.Max((int)Math.Round(share * items.Count), 1), items.Count - 1);
        HashSet<int> chosen = [.. RandomPurpose.Split.Stream(seed, 0, 0).Permutation(items.Count).Take(Math.Max(count, 0))];
        return ([.. items.Where((_, index) => !chosen.Contains(index))], [.. items.Where((_, index) => chosen.Contains(index))]);
    }

    /// <summary>Cuts a text in two, at the line break nearest to the place, or at the place where there is none near it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="share">The share of it, at its end, to hold out.</param>
    public static (string Kept, string HeldOut) HoldOut(string text, double share)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (share is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "The share to hold out must be above 0 and below 1.");
        int at = (int)((1 - share) * text.Length), line = text.IndexOf('\n', at);
        if (line >= 0 && line - at < share * text.Length / 2) at = line + 1;
        else if (at > 0 && at < text.Length && char.IsLowSurrogate(text[at])) at--;
        return (text[..at], text[at..]);
    }
}
