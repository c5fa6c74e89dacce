using System.Globalization;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The results of a comparison on standard output: a line a measured model while it runs, and a summary.</summary>
sealed class ComparisonTable
{
    readonly string[] header;
    readonly int[] widths;
    readonly Queue<ComparisonOutcome> waiting = new();
    bool begun;

    public ComparisonTable(ComparisonOptions options, IReadOnlyList<string> domains)
    {
        header = ["method", "knob", "seed", "val, %", .. domains.Select((name, i) => i == 0 ? $"{name} (ID), %" : $"{name}, %"), "OOD, %", "|W - W0|", "seconds"];
        string[] widest = [.. options.Methods.Select(asked => asked.Method.Name), MethodComparison.Initial];
        widths = [.. header.Select((name, i) => Math.Max(name.Length, i switch { 0 => widest.Max(method => method.Length), 1 => 12, _ => 6 }))];
    }

    /// <summary>Keeps a line for the next <see cref="Flush"/>: a progress bar may be on the screen now.</summary>
    public void Enqueue(ComparisonOutcome outcome) => waiting.Enqueue(outcome);

    /// <summary>Prints what waits.</summary>
    public void Flush()
    {
        while (waiting.TryDequeue(out ComparisonOutcome? outcome)) Add(outcome);
    }

    /// <summary>Prints a line.</summary>
    public void Add(ComparisonOutcome outcome)
    {
        if (!begun)
        {
            Console.WriteLine();
            Print(header);
            Console.WriteLine(new string('-', widths.Sum() + 2 * (widths.Length - 1)));
            begun = true;
        }

        Print([
            outcome.Method, Knob(outcome.Method, outcome.Value), outcome.Seed.ToString(CultureInfo.InvariantCulture), Tables.Percent(outcome.Validation),
            .. outcome.Scores.Select(Tables.Percent), Tables.Percent(outcome.OutOfDistribution),
            outcome.Deviation is { } deviation ? Tables.Number(deviation, 2) : "-", Tables.Number(outcome.Seconds, 1),
        ]);
    }

    /// <summary>Prints means over the seeds at the value chosen, and differences to the first method.</summary>
    public static void PrintSummary(IReadOnlyList<ComparisonOutcome> outcomes, IReadOnlyList<string> domains)
    {
        IReadOnlyList<ComparisonSummary> rows = ComparisonSummary.Of(outcomes);
        string reference = rows.FirstOrDefault(row => row.Method != MethodComparison.Initial)?.Method ?? "";
        Tables.Print(
            ["method", "knob", "val, %", $"{domains[0]} (ID), %", "OOD, %", $"ID - {reference}", $"OOD - {reference}", "|W - W0|", "projected, %", "seconds"],
            rows.Select(row => (IReadOnlyList<string>)
            [
                row.Method, Knob(row.Method, row.Value), Tables.Percent(row.Validation.Mean), Percent(row.Domains[0]), Percent(row.OutOfDistribution),
                row.Method == reference || row.Method == MethodComparison.Initial ? "" : Percent(row.InDifference), row.Method == reference || row.Method == MethodComparison.Initial ? "" : Percent(row.OutDifference),
                double.IsNaN(row.Deviation.Mean) ? "-" : Tables.Number(row.Deviation.Mean, 2), Tables.Percent(row.Projected.Mean), Tables.Number(row.Seconds.Mean, 1),
            ]), textColumns: 2);
        Console.WriteLine($"Means over seeds, ± half the 95 % interval (Student's t), differences seed by seed; knobs chosen by the validation score on {domains[0]}.");
    }

    static string Percent(SampleMean mean) => double.IsNaN(mean.HalfWidth) ? Tables.Percent(mean.Mean) : $"{Tables.Percent(mean.Mean)} ± {Tables.Percent(mean.HalfWidth)}";

    static string Knob(string method, double value) => ComparedMethods.Find(method)?.Knob is { } knob ? string.Create(CultureInfo.InvariantCulture, $"{knob} {value}") : "";

    void Print(IReadOnlyList<string> cells) => Console.WriteLine(string.Join("  ", cells.Select((cell, c) => c < 2 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).TrimEnd());
}
