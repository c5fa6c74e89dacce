using Engine.Optim;

namespace Engine.Training;

/// <summary>What a trace file holds, by columns: row step * layers + layer of each is one layer in one step.</summary>
public sealed class TraceTable
{
    readonly List<SpdTraceRow> rows;

    /// <summary>A table of whole steps; what is left of a step that was cut off is dropped.</summary>
    /// <param name="rows">The layers of a step follow one another, in the same order in every step.</param>
    public TraceTable(IEnumerable<SpdTraceRow> rows)
    {
        this.rows = [.. rows];
        int layers = this.rows.Count;
        for (int i = 0; i < layers; i++)
            if (this.rows[i].Step != this.rows[0].Step) layers = i;
        Layers = [.. this.rows.Take(layers).Select(row => row.Segment)];
        StepCount = layers == 0 ? 0 : this.rows.Count / layers;
        this.rows.RemoveRange(StepCount * layers, this.rows.Count - StepCount * layers);
    }

    /// <summary>The layers' names, in the model's order.</summary>
    public IReadOnlyList<string> Layers { get; }

    /// <summary>How many steps.</summary>
    public int StepCount { get; }

    /// <summary>All rows, the oldest step first.</summary>
    public IReadOnlyList<SpdTraceRow> Rows => rows;

    /// <summary>One layer in one step.</summary>
    /// <param name="step">Which of the steps, from 0.</param>
    /// <param name="layer">Which of the layers, from 0.</param>
    public SpdTraceRow this[int step, int layer] => rows[step * Layers.Count + layer];

    /// <summary>The trace file of a run that was written last: Arrow, whole or still growing, or CSV; null where there is none.</summary>
    public static string? Find(string folder)
    {
        string arrow = Path.Combine(folder, TraceArrow.FileName), csv = Path.Combine(folder, TraceCsv.FileName);
        return File.Exists(arrow) || File.Exists(TraceArrow.Growing(arrow)) ? arrow : File.Exists(csv) ? csv : null;
    }

    /// <summary>Reads a trace, Arrow or CSV, of a run that ended, runs, or was killed.</summary>
    /// <exception cref="InvalidDataException">It is no trace; the message says why.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static TraceTable Read(string path) => new(IsCsv(path) ? TraceCsv.Read(path) : TraceArrow.Read(path));

    /// <summary>True if a trace of this name is written as text.</summary>
    public static bool IsCsv(string path) => Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);
}
