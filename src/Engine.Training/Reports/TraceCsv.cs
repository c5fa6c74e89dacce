using System.Globalization;
using Engine.Optim;

namespace Engine.Training;

/// <summary>The trace of selective projection as a table: a row a step and layer.</summary>
public static class TraceCsv
{
    /// <summary>The usual name.</summary>
    public const string FileName = "trace.csv";

    static readonly string[] Header = ["step", "layer", "condition", "ratio", "deviation", "scale", "projected", "deviation_before", "gradient_norm", "cosine"];

    /// <summary>Writes all rows the trace holds; the file appears only when whole.</summary>
    /// <param name="path">Where.</param>
    /// <param name="trace">What selective projection saw.</param>
    /// <param name="keep">Rows of steps up to this one that the file has already stay: those of a run that was resumed.</param>
    public static void Save(string path, SpdTrace trace, long keep = 0)
    {
        ArgumentNullException.ThrowIfNull(trace);
        IReadOnlyList<object>[] earlier = keep > 0 && File.Exists(path) ? [.. Rows(path, keep)] : [];
        CsvFile.Write(path, Header, earlier.Concat(trace.Select(row => (IReadOnlyList<object>)
            [row.Step, row.Segment, row.Condition, row.Ratio, row.Deviation, row.Scale, row.Projected ? 1 : 0, row.DeviationBefore, row.GradientNorm, row.Cosine])));
    }

    /// <summary>The rows of a file.</summary>
    /// <exception cref="InvalidDataException">It is no trace.</exception>
    public static IEnumerable<SpdTraceRow> Read(string path)
    {
        using StreamReader reader = new(path);
        if (reader.ReadLine() != string.Join(',', Header)) throw new InvalidDataException($"{path}: its first line is not {string.Join(',', Header)}; it is no trace, or another version's.");
        for (int number = 2; reader.ReadLine() is { } line; number++)
        {
            if (line.Split(',') is not { } cells || cells.Length != Header.Length || !long.TryParse(cells[0], out long step))
                throw new InvalidDataException($"{path}: line {number} is no row of a trace.");
            yield return new(step, cells[1], Number(cells[2]), Number(cells[3]), Number(cells[4]), Number(cells[5]), Number(cells[7]), Number(cells[8]));
        }
    }

    static float Number(string cell) => float.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out float number) ? number : float.NaN;

    static IEnumerable<IReadOnlyList<object>> Rows(string path, long last)
    {
        foreach (string line in File.ReadLines(path).Skip(1))
            if (line.Split(',') is { } cells && cells.Length == Header.Length && long.TryParse(cells[0], out long step) && step <= last) yield return cells;
    }
}
