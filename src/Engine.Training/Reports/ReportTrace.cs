using System.Runtime.InteropServices;
using Engine.Optim;

namespace Engine.Training;

/// <summary>
/// A trace as the report's page takes it: neighbouring steps in one column, so that a long run is no larger than a screen can show.
/// Numbers are float32 in base 64, layer after layer, a value a column.
/// </summary>
sealed class ReportTrace
{
    const int MostColumns = 1500, MostCells = 200_000, FewestColumns = 200;

    public ReportTrace(TraceTable table)
    {
        Layers = table.Layers;
        (First, Steps) = (table[0, 0].Step, table.StepCount);
        int most = Math.Clamp(MostCells / Layers.Count, FewestColumns, MostColumns);
        Per = (Steps + most - 1) / most;
        Columns = (Steps + Per - 1) / Per;
        Data = new Dictionary<string, string>
        {
            ["cosine"] = Numbers(table, row => row.Cosine, Mean),
            ["condition"] = Numbers(table, row => row.Condition, Mean),
            ["projected"] = Numbers(table, row => row.Projected ? 1 : 0, Mean),
            ["ratio"] = Numbers(table, row => row.Ratio, Mean),
            ["scale"] = Numbers(table, row => row.Scale, Largest),
            ["deviation"] = Numbers(table, row => row.Deviation, values => values[^1]),
        };
        Share = [.. Enumerable.Range(0, Layers.Count).Select(layer => Enumerable.Range(0, Steps).Count(step => table[step, layer].Projected) / (double)Steps)];
        ProjectedShare = Share.Average();
        OverallDeviation = Math.Sqrt(Enumerable.Range(0, Layers.Count).Sum(layer => Math.Pow(table[Steps - 1, layer].Deviation, 2)));
    }

    public IReadOnlyList<string> Layers { get; }

    /// <summary>The first step.</summary>
    public long First { get; }

    public int Steps { get; }

    /// <summary>Steps a column.</summary>
    public int Per { get; }

    public int Columns { get; }

    public IReadOnlyDictionary<string, string> Data { get; }

    /// <summary>For each layer the share of steps in which it was projected.</summary>
    public IReadOnlyList<double> Share { get; }

    public double ProjectedShare { get; }

    public double OverallDeviation { get; }

    delegate float Fold(ReadOnlySpan<float> values);

    string Numbers(TraceTable table, Func<SpdTraceRow, float> value, Fold fold)
    {
        float[] numbers = new float[Layers.Count * Columns], group = new float[Per];
        for (int layer = 0; layer < Layers.Count; layer++)
        {
            for (int column = 0; column < Columns; column++)
            {
                int first = column * Per, count = Math.Min(Per, Steps - first);
                for (int i = 0; i < count; i++) group[i] = value(table[first + i, layer]);
                numbers[layer * Columns + column] = fold(group.AsSpan(0, count));
            }
        }

        return Convert.ToBase64String(MemoryMarshal.AsBytes<float>(numbers));
    }

    // Of what is known; a layer without a gradient has no condition.
    static float Mean(ReadOnlySpan<float> values)
    {
        double sum = 0;
        int count = 0;
        foreach (float value in values)
        {
            if (float.IsNaN(value)) continue;
            sum += value;
            count++;
        }

        return count == 0 ? float.NaN : (float)(sum / count);
    }

    static float Largest(ReadOnlySpan<float> values)
    {
        float largest = values[0];
        foreach (float value in values) largest = MathF.Max(largest, value);
        return largest;
    }
}
