using Engine.Training;

namespace Engine.Cli;

/// <summary>
/// What a training run leaves in its folder: <c>best</c> and <c>last</c>, each a model; in <c>last</c> the state to resume
/// from; <c>run.json</c> and <c>report.html</c>; Adam-SPD's trace and whole steps if asked for.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="save">Writes the model to a folder, in its layout.</param>
/// <param name="about">A line on what is trained.</param>
/// <param name="trace">The file for Adam-SPD's trace, or null.</param>
/// <param name="explained">Steps that are saved whole.</param>
sealed class RunFolder(OutputFolder folder, Action<string> save, string about, string? trace, IReadOnlyList<int> explained) : IDisposable
{
    // Steps between two readings of the trace's ring, which holds twice as many.
    const int TraceSteps = 128;

    readonly StepCapture capture = new();
    TraceRecorder? recorder;
    long traced;        // steps whose trace an earlier process wrote
    RunRecord? earlier;

    public string Best => folder["best"];

    public string Last => folder["last"];

    public string Report => folder[ReportPage.FileName];

    /// <summary>Goes on where the run in the folder stopped, or makes sure that there is none.</summary>
    /// <exception cref="UsageException">There is a run, and nobody asked to resume it; or none, and somebody did.</exception>
    public void Begin(Trainer trainer, bool resume)
    {
        string state = Path.Combine(Last, Trainer.StateFile);
        if (!resume && (Directory.Exists(Last) || Directory.Exists(Best)))
            throw new UsageException($"--out: {folder.Path} holds a run already; add --resume to go on with it, or name another folder.");
        if (resume && !File.Exists(state))
            throw new UsageException($"--resume: there is no {state}; leave --resume out to start a run.");
        if (resume)
        {
            trainer.LoadState(state);
            traced = trainer.Optimizer.StepCount;
            if (File.Exists(folder[RunRecord.FileName])) earlier = RunRecord.Load(folder[RunRecord.FileName]);
        }

        if (trace is not null && !TraceTable.IsCsv(trace) && trainer.Optimizer.Projection is { } projection)
        {
            recorder = new(trace, projection.Trace, keep: traced);
            trainer.StepFinished += _ =>
            {
                if (trainer.Optimizer.StepCount % TraceSteps == 0) recorder.Append();
            };
        }

        trainer.StepReady += _ =>
        {
            if (explained.Contains((int)trainer.Optimizer.StepCount + 1)) capture.Begin(trainer);
        };
        trainer.StepFinished += _ =>
        {
            if (explained.Contains((int)trainer.Optimizer.StepCount)) capture.Save(trainer, folder.Path);
        };
    }

    /// <summary>A history that goes on from an earlier process's.</summary>
    public RunHistory History(IProgress<TrainingProgress> next)
    {
        RunHistory history = new(next);
        if (earlier is not null) history.Take(earlier, traced);
        return history;
    }

    /// <summary>Saves the weights as the best.</summary>
    public void SaveBest() => save(Best);

    /// <summary>Saves the present weights, the state to go on from, the trace, and how the run went.</summary>
    public void SaveLast(Trainer trainer, RunHistory history)
    {
        save(Last);
        trainer.SaveState(Path.Combine(Last, Trainer.StateFile));
        recorder?.Publish();
        if (recorder is null && trace is not null && trainer.Optimizer.Projection is { } projection) TraceCsv.Save(trace, projection.Trace, keep: traced);
        Record(trainer, history).Save(folder[RunRecord.FileName]);
    }

    /// <summary>Completes the trace and writes the report.</summary>
    public void Finish(Trainer trainer, RunHistory history)
    {
        Dispose();
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder.Path)));
        ReportPage.Save(Report, name, [new(name, Record(trainer, history), trace is not null && File.Exists(trace) ? TraceTable.Read(trace) : null)]);
    }

    public void Dispose()
    {
        recorder?.Dispose();
        recorder = null;
    }

    RunRecord Record(Trainer trainer, RunHistory history) => new()
    {
        About = about,
        Settings = [.. trainer.Describe().Select(setting => new[] { setting.Name, setting.Text })],
        Curves = history.Curves(),
        Trace = trace is null ? null : Path.GetRelativePath(folder.Path, trace),
    };
}
