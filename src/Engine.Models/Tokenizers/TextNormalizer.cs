using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Engine.Models;

/// <summary>A rewriting of text before it is cut into tokens.</summary>
static class TextNormalizer
{
    /// <summary>Unicode normalisation, which NFC models (Qwen) want.</summary>
    /// <exception cref="PlatformNotSupportedException">This process has no tables for it, and the text may need them.</exception>
    public static string Unicode(string text, NormalizationForm form)
    {
        // In invariant globalisation .NET has no tables and returns the text as it is, silently.
        if (Composes) return text.Normalize(form);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (MayChange(rune, form))
                throw new PlatformNotSupportedException(
                    $"The tokenizer normalises text, and this process runs without Unicode tables (InvariantGlobalization), which U+{rune.Value:X4} may need: give text in {FormName(form)}, of precomposed characters.");
        }
        return text;
    }

    public static string Replace(string text, Regex pattern, string content) => pattern.Replace(text, content.Replace("$", "$$", StringComparison.Ordinal));

    static readonly bool Composes = "e\u0301".Normalize(NormalizationForm.FormC).Length == 1;

    // Conservative: what is let through is normal in every version of Unicode.
    static bool MayChange(Rune rune, NormalizationForm form)
    {
        if (rune.Value < 0xC0) return rune.Value >= 0xA0 && form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        if (form is not NormalizationForm.FormC)
            return rune.Value is not (>= 0x4E00 and <= 0x9FFF);
        return Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
            || rune.Value is 0x37E or 0x387                                         // singletons: Greek question mark, ano teleia
                or 0x340 or 0x341 or 0x343 or 0x374
                or (>= 0x0958 and <= 0x095F) or (>= 0x09DC and <= 0x09DF) or (>= 0x0A33 and <= 0x0A5E) or 0x0B5C or 0x0B5D or (>= 0x0F43 and <= 0x0FB9)
                or (>= 0x1100 and <= 0x11FF)                                        // Hangul letters that compose
                or (>= 0x1F71 and <= 0x1FFD)                                        // Greek with singletons
                or 0x2000 or 0x2001 or 0x2126 or 0x212A or 0x212B or 0x2329 or 0x232A or 0x2ADC
                or (>= 0xF900 and <= 0xFAFF) or (>= 0xFB1D and <= 0xFB4E)           // compatibility ideographs, Hebrew presentation forms
                or (>= 0x1D15E and <= 0x1D1C0) or (>= 0x2F800 and <= 0x2FA1D);      // musical symbols, compatibility ideographs
    }

    static string FormName(NormalizationForm form) => form switch
    {
        NormalizationForm.FormC => "NFC",
        NormalizationForm.FormD => "NFD",
        NormalizationForm.FormKC => "NFKC",
        _ => "NFKD",
    };
}
