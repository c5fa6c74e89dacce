namespace Engine.Training;

/// <summary>One run as a report shows it: its record, its trace, either of which may be missing.</summary>
/// <param name="Name">What the page calls it.</param>
/// <param name="Record">Settings and curves.</param>
/// <param name="Trace">Selective projection's trace.</param>
public sealed record ReportRun(string Name, RunRecord? Record, TraceTable? Trace)
{
    /// <summary>Reads what a run's folder holds.</summary>
    /// <exception cref="InvalidDataException">A file in it is of another kind or version.</exception>
    /// <exception cref="IOException">The folder or its trace is absent.</exception>
    public static ReportRun Load(string folder)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder}: there is no such folder; name the --out of a finetune, a compare or the demo.");
        string path = Path.Combine(folder, RunRecord.FileName);
        RunRecord? record = File.Exists(path) ? RunRecord.Load(path) : null;
        string? trace = record?.Trace is { } named ? Path.Combine(folder, named) : TraceTable.Find(folder);
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return new(name, record, trace is null ? null : TraceTable.Read(trace));
    }
}
