using Engine.Training;

namespace Engine.Cli;

/// <summary>
/// What a training run leaves in its folder: <c>best</c> and <c>last</c>, each a model; in <c>last</c> the state to resume
/// from; and Adam-SPD's trace if asked for.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="save">Writes the model to a folder, in its layout.</param>
/// <param name="keepTrace">Write Adam-SPD's trace.</param>
sealed class RunFolder(OutputFolder folder, Action<string> save, bool keepTrace)
{
    long traced;        // steps whose trace an earlier process wrote

    public string Best => folder["best"];

    public string Last => folder["last"];

    public string Trace => folder["trace.csv"];

    /// <summary>Goes on where the run in the folder stopped, or makes sure that there is none.</summary>
    /// <exception cref="UsageException">There is a run, and nobody asked to resume it; or none, and somebody did.</exception>
    public void Begin(Trainer trainer, bool resume)
    {
        string state = Path.Combine(Last, Trainer.StateFile);
        if (!resume && (Directory.Exists(Last) || Directory.Exists(Best)))
            throw new UsageException($"--out: {folder.Path} holds a run already; add --resume to go on with it, or name another folder.");
        if (resume && !File.Exists(state))
            throw new UsageException($"--resume: there is no {state}; leave --resume out to start a run.");
        if (!resume) return;
        trainer.LoadState(state);
        traced = trainer.Optimizer.StepCount;
    }

    /// <summary>Saves the weights as the best.</summary>
    public void SaveBest() => save(Best);

    /// <summary>Saves the present weights, the state to go on from, and the trace.</summary>
    public void SaveLast(Trainer trainer)
    {
        save(Last);
        trainer.SaveState(Path.Combine(Last, Trainer.StateFile));
        if (keepTrace && trainer.Optimizer.Projection is { } projection) TraceCsv.Save(Trace, projection.Trace, keep: traced);
    }
}
