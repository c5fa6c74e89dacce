using System.Globalization;
using Spectre.Console;

namespace Engine.Cli;

/// <summary>Tables on standard output.</summary>
static class Tables
{
    // Redirected output has no width of its own; a table must not be folded there.
    const int RedirectedWidth = 200;

    /// <summary>Prints a table: the first columns text, the rest numbers aligned right.</summary>
    public static void Print(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows, int textColumns = 1)
    {
        Table table = new() { Border = TableBorder.Simple };
        for (int c = 0; c < header.Count; c++)
            table.AddColumn(new TableColumn(Markup.Escape(header[c])) { Alignment = c < textColumns ? Justify.Left : Justify.Right, NoWrap = true });
        foreach (IReadOnlyList<string> row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = RedirectedWidth;
        AnsiConsole.Write(table);
    }

    /// <summary>A share as percent with one decimal.</summary>
    public static string Percent(double share) => double.IsNaN(share) ? "-" : Number(100 * share, 1);

    /// <summary>A number with fixed decimals.</summary>
    public static string Number(double value, int decimals) => value.ToString($"F{decimals}", CultureInfo.InvariantCulture);
}
