using System.Globalization;
using System.Text;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>Normalisation against Python's, and its laws.</summary>
public sealed class UnicodeFormsTests
{
    static readonly NormalizationForm[] Forms = [NormalizationForm.FormC, NormalizationForm.FormD, NormalizationForm.FormKC, NormalizationForm.FormKD];

    static IEnumerable<string[]> Reference => File.ReadLines(FixtureFolder.Path("text", "normalization.txt"))
        .Where(line => line[0] != '#').Select(line => line.Split(';').Select(Text).ToArray());

    static string Text(string hexadecimal) =>
        string.Concat(hexadecimal.Split(' ').Select(code => char.ConvertFromUtf32(int.Parse(code, NumberStyles.HexNumber, CultureInfo.InvariantCulture))));

    [Fact]
    public void Every_form_is_the_references()
    {
        Assert.Equal(568, Reference.Count());
        foreach (string[] row in Reference)
            for (int form = 0; form < Forms.Length; form++)
                Assert.Equal(Codes(row[form + 1]), Codes(UnicodeForms.Normalize(row[0], Forms[form])));
    }

    [Fact]
    public void A_form_of_a_form_is_the_one_that_the_standard_says()
    {
        foreach (string[] row in Reference)
        {
            foreach (string text in row[..3]) Assert.Equal((row[1], row[2]), (UnicodeForms.Normalize(text, Forms[0]), UnicodeForms.Normalize(text, Forms[1])));
            foreach (string text in row) Assert.Equal((row[3], row[4]), (UnicodeForms.Normalize(text, Forms[2]), UnicodeForms.Normalize(text, Forms[3])));
        }
    }

    [Fact]
    public void Text_that_is_normal_is_given_back_as_it_is()
    {
        foreach (string text in (string[])["", "plain", "na\u00efve \u00df", "\u6f22\u5b57", "\ud83d\ude42", "\u0440\u0443\u0441\u0441\u043a\u0438\u0439", "\u0e44\u0e17\u0e22", "\ud55c\uad6d\uc5b4"])
            Assert.Equal(text, UnicodeForms.Normalize(text, NormalizationForm.FormC));
    }

    static string Codes(string text) => string.Join(' ', text.EnumerateRunes().Select(rune => rune.Value.ToString("X4", CultureInfo.InvariantCulture)));
}
