using System.Diagnostics;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Turns the progress of equally long runs, one after the other, into that of the whole.</summary>
/// <param name="whole">Hears of the whole.</param>
/// <param name="parts">How many runs.</param>
sealed class ProgressInParts(IProgress<TrainingProgress> whole, int parts) : IProgress<TrainingProgress>
{
    readonly Stopwatch clock = Stopwatch.StartNew();
    int done;

    /// <summary>What is reported from now on is of the next run.</summary>
    public void Next() => done++;

    public void Report(TrainingProgress value)
    {
        (int step, int steps) = (done * value.Steps + value.Step, parts * value.Steps);
        TimeSpan elapsed = clock.Elapsed, remaining = step == 0 ? TimeSpan.Zero : elapsed * ((double)(steps - step) / step);
        whole.Report(value with { Step = step, Steps = steps, Elapsed = elapsed, Remaining = remaining });
    }
}
