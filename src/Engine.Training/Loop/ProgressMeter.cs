using System.Diagnostics;

namespace Engine.Training;

/// <summary>Turns steps into reports: means since the last one, rate, and the time that is left.</summary>
sealed class ProgressMeter(string phase, int steps, int epochs, IProgress<TrainingProgress>? progress)
{
    // Often enough to look alive, seldom enough not to wait for the device at every step.
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.25);

    readonly Stopwatch clock = Stopwatch.StartNew();
    TimeSpan lastReport;
    long images, done;

    /// <summary>Since the phase began.</summary>
    public TimeSpan Elapsed => clock.Elapsed;

    /// <summary>Counts a step.</summary>
    /// <returns>True when a report is due; fetch the means and call <see cref="Report"/>.</returns>
    public bool Count(int batch)
    {
        images += batch;
        done++;
        return progress is not null && (clock.Elapsed - lastReport >= Interval || done == steps);
    }

    /// <summary>Sends a report.</summary>
    public void Report(int step, int epoch, double loss, double accuracy, double learningRate, ClassificationResult? validation = null)
    {
        lastReport = clock.Elapsed;
        double seconds = Math.Max(lastReport.TotalSeconds, 1e-9);
        TimeSpan remaining = done == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(seconds / done * Math.Max(steps - step, 0));
        progress?.Report(new(phase, step, steps, epoch, epochs, loss, accuracy, learningRate, images / seconds, lastReport, remaining, validation));
    }
}
