using Engine.Optim;

namespace Engine.Training;

/// <summary>The trace of selective projection as a table: a row a step and layer.</summary>
public static class TraceCsv
{
    static readonly string[] Header = ["step", "layer", "condition", "ratio", "deviation", "scale", "projected"];

    /// <summary>Writes all rows the trace holds; the file appears only when whole.</summary>
    public static void Save(string path, SpdTrace trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        CsvFile.Write(path, Header, trace.Select(row => (IReadOnlyList<object>)
            [row.Step, row.Segment, row.Condition, row.Ratio, row.Deviation, row.Scale, row.Projected ? 1 : 0]));
    }
}
