using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Engine.Models;

/// <summary>Cuts text into the words that byte pairs do not cross, by a pattern.</summary>
/// <param name="pattern">Every match is a word.</param>
/// <param name="keepsRest">Whether what lies between matches is a word too; otherwise it is dropped.</param>
sealed class TextSplitter(Regex pattern, bool keepsRest)
{
    /// <summary>GPT-2's pattern: contractions, letters, digits and others, each with the space before it.</summary>
    public static readonly TextSplitter Gpt2 = new(Pattern(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), keepsRest: true);

    public static Regex Pattern(string pattern) => new(pattern, RegexOptions.CultureInvariant);

    public IEnumerable<string> Split(string text)
    {
        int[]? places = null;
        string seen = text;
        if (text.AsSpan().ContainsAnyInRange('\ud800', '\udfff')) (seen, places) = StandIns(text);
        int end = 0;
        for (Match match = pattern.Match(seen); match.Success; match = match.NextMatch())
        {
            if (match.Length == 0) continue;
            (int first, int last) = (Place(match.Index), Place(match.Index + match.Length));
            if (keepsRest && first > end) yield return text[end..first];
            yield return text[first..last];
            end = last;
        }
        if (keepsRest && end < text.Length) yield return text[end..];

        int Place(int index) => places is null ? index : places[index];
    }

    // .NET matches UTF-16 units, so \p{L} would miss every letter beyond U+FFFF. Matching sees one character of the same kind in its place.
    static (string Seen, int[] Places) StandIns(string text)
    {
        StringBuilder seen = new(text.Length);
        int[] places = new int[text.Length + 1];
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            places[seen.Length] = at;
            seen.Append(rune.IsBmp ? (char)rune.Value : StandIn(Rune.GetUnicodeCategory(rune)));
            at += rune.Utf16SequenceLength;
        }
        places[seen.Length] = at;
        return (seen.ToString(), places);
    }

    static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => 'A',
        UnicodeCategory.LowercaseLetter => 'z',             // in no contraction
        UnicodeCategory.TitlecaseLetter => '\u01c5',
        UnicodeCategory.ModifierLetter => '\u02b0',
        UnicodeCategory.OtherLetter => '\u05d0',
        UnicodeCategory.DecimalDigitNumber => '0',
        UnicodeCategory.LetterNumber => '\u2160',
        UnicodeCategory.OtherNumber => '\u00b2',
        UnicodeCategory.NonSpacingMark => '\u0300',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.Format => '\u200b',
        _ => '\u2603',                                      // a symbol: snowman
    };
}
