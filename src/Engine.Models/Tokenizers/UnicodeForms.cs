using System.Text;

namespace Engine.Models;

/// <summary>
/// Unicode's normalisation forms (Unicode Standard Annex 15). .NET asks the operating system for them, and where a program runs
/// without its tables (InvariantGlobalization) gives texts back as they are, silently; with tables of our own a text has the same
/// tokens on every machine.
/// </summary>
static class UnicodeForms
{
    // Hangul syllables are numbered, not listed (Unicode Standard, section 3.12).
    const int FirstSyllable = 0xAC00, FirstLead = 0x1100, FirstVowel = 0x1161, BeforeTail = 0x11A7, Leads = 19, Vowels = 21, Tails = 28, Syllables = Leads * Vowels * Tails;

    static readonly Lazy<UnicodeTables> tables = new(UnicodeTables.Read);

    /// <summary>A text in a form.</summary>
    /// <param name="text">Whole characters; half a surrogate pair becomes U+FFFD.</param>
    /// <param name="form">The form.</param>
    public static string Normalize(string text, NormalizationForm form)
    {
        if (!text.AsSpan().ContainsAnyInRange(LeastThatChanges(form), char.MaxValue)) return text;
        List<int> characters = [];
        bool compatible = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        foreach (Rune rune in text.EnumerateRunes()) Decompose(rune.Value, compatible, characters);
        Order(characters);
        if (form is NormalizationForm.FormC or NormalizationForm.FormKC) characters = Compose(characters);
        StringBuilder result = new(text.Length);
        foreach (int character in characters) result.Append(new Rune(character));
        return result.ToString();
    }

    // Everything before is normal and joins nothing.
    static char LeastThatChanges(NormalizationForm form) => form switch
    {
        NormalizationForm.FormC => '\u0300',
        NormalizationForm.FormD => '\u00C0',
        _ => '\u00A0',
    };

    static void Decompose(int character, bool compatible, List<int> result)
    {
        int syllable = character - FirstSyllable;
        if (syllable is >= 0 and < Syllables)
        {
            result.Add(FirstLead + syllable / (Vowels * Tails));
            result.Add(FirstVowel + syllable / Tails % Vowels);
            if (syllable % Tails > 0) result.Add(BeforeTail + syllable % Tails);
        }
        else if (tables.Value.Parts(character, compatible) is { } parts)
        {
            foreach (int part in parts) Decompose(part, compatible, result);
        }
        else
        {
            result.Add(character);
        }
    }

    // Marks behind a letter by their classes; those of one class stay as they came.
    static void Order(List<int> characters)
    {
        for (int i = 1; i < characters.Count; i++)
        {
            int character = characters[i], rank = tables.Value.Class(character), at = i;
            if (rank == 0) continue;
            for (; at > 0 && tables.Value.Class(characters[at - 1]) > rank; at--) characters[at] = characters[at - 1];
            characters[at] = character;
        }
    }

    static List<int> Compose(List<int> characters)
    {
        List<int> result = new(characters.Count);
        int letter = -1, last = 0;                      // where the last one of class 0 is; the class of the one before
        foreach (int character in characters)
        {
            int rank = tables.Value.Class(character);
            bool blocked = result.Count > letter + 1 && last >= rank;
            if (letter >= 0 && !blocked && Join(result[letter], character) is { } joined)
            {
                result[letter] = joined;
                continue;
            }

            if (rank == 0) letter = result.Count;
            last = rank;
            result.Add(character);
        }

        return result;
    }

    static int? Join(int first, int second)
    {
        int lead = first - FirstLead, vowel = second - FirstVowel, syllable = first - FirstSyllable, tail = second - BeforeTail;
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels) return FirstSyllable + (lead * Vowels + vowel) * Tails;
        if (syllable is >= 0 and < Syllables && syllable % Tails == 0 && tail is > 0 and < Tails) return first + tail;
        return tables.Value.Joined(first, second);
    }
}
