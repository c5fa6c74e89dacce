using Engine.Optim;

namespace Engine.Training;

/// <summary>The trace of selective projection as a table: a row a step and layer.</summary>
public static class TraceCsv
{
    static readonly string[] Header = ["step", "layer", "condition", "ratio", "deviation", "scale", "projected"];

    /// <summary>Writes all rows the trace holds; the file appears only when whole.</summary>
    /// <param name="path">Where.</param>
    /// <param name="trace">What selective projection saw.</param>
    /// <param name="keep">Rows of steps up to this one that the file has already stay: those of a run that was resumed.</param>
    public static void Save(string path, SpdTrace trace, long keep = 0)
    {
        ArgumentNullException.ThrowIfNull(trace);
        IReadOnlyList<object>[] earlier = keep > 0 && File.Exists(path) ? [.. Rows(path, keep)] : [];
        CsvFile.Write(path, Header, earlier.Concat(trace.Select(row => (IReadOnlyList<object>)
            [row.Step, row.Segment, row.Condition, row.Ratio, row.Deviation, row.Scale, row.Projected ? 1 : 0])));
    }

    static IEnumerable<IReadOnlyList<object>> Rows(string path, long last)
    {
        foreach (string line in File.ReadLines(path).Skip(1))
            if (line.Split(',') is { } cells && cells.Length == Header.Length && long.TryParse(cells[0], out long step) && step <= last) yield return cells;
    }
}
