using System.Globalization;

namespace Engine.Cli;

/// <summary>Tables on standard output: columns as wide as their widest cell, two blanks between them, none at the end.</summary>
static class Tables
{
    const string Gap = "  ";

    /// <summary>Prints a table: the first columns text, the rest numbers aligned right.</summary>
    public static void Print(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows, int textColumns = 1)
    {
        IReadOnlyList<string>[] lines = [header, .. rows];
        int[] widths = [.. header.Select((_, c) => lines.Max(line => line[c].Length))];
        Console.WriteLine();
        for (int i = 0; i < lines.Length; i++)
        {
            Console.WriteLine(string.Join(Gap, lines[i].Select((cell, c) => c < textColumns ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).TrimEnd());
            if (i == 0) Console.WriteLine(new string('-', widths.Sum() + Gap.Length * (widths.Length - 1)));
        }

        Console.WriteLine();
    }

    /// <summary>A share as percent with one decimal.</summary>
    public static string Percent(double share) => double.IsNaN(share) ? "-" : Number(100 * share, 1);

    /// <summary>A number with fixed decimals.</summary>
    public static string Number(double value, int decimals) => value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
}
