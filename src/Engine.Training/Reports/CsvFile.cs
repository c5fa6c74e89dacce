using System.Globalization;
using System.Text;

namespace Engine.Training;

/// <summary>Comma-separated values (RFC 4180), numbers with all their digits and a point.</summary>
public static class CsvFile
{
    /// <summary>Writes a table; the file appears under its name only when whole.</summary>
    public static void Write(string path, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<object>> rows)
    {
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(rows);
        WholeFile.Write(path, stream =>
        {
            using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
            writer.WriteLine(string.Join(',', header.Select(Quote)));
            foreach (IReadOnlyList<object> row in rows)
                writer.WriteLine(string.Join(',', row.Select(cell => Quote(Convert.ToString(cell, CultureInfo.InvariantCulture) ?? ""))));
        });
    }

    static string Quote(string text) =>
        text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
