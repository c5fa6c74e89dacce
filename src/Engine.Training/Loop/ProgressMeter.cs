using System.Diagnostics;

namespace Engine.Training;

/// <summary>Turns steps into reports: rate, and the time that is left.</summary>
/// <param name="phase">What is being done, in a word or two.</param>
/// <param name="steps">Steps in all, those of an earlier process among them.</param>
/// <param name="epochs">Epochs in all.</param>
/// <param name="progress">Who is told; nobody if null.</param>
/// <param name="unit">What is counted.</param>
/// <param name="accuracyName">What the share of right predictions is called.</param>
sealed class ProgressMeter(
    string phase, int steps, int epochs, IProgress<TrainingProgress>? progress, string unit = "img", string accuracyName = "accuracy")
{
    // Often enough to look alive, seldom enough not to wait for the device at every step.
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.25);

    readonly Stopwatch clock = Stopwatch.StartNew();
    TimeSpan lastReading;
    long counted, done;

    /// <summary>Counts a step.</summary>
    /// <param name="count">Images or tokens of this one.</param>
    /// <returns>True when some time has passed: the means should be read and reported.</returns>
    public bool Count(int count)
    {
        counted += count;
        done++;
        if (clock.Elapsed - lastReading < Interval) return false;
        lastReading = clock.Elapsed;
        return true;
    }

    /// <summary>Sends a report.</summary>
    public void Report(int step, int epoch, double loss, double accuracy, double learningRate, Measurement? validation = null)
    {
        TimeSpan elapsed = clock.Elapsed;
        double seconds = Math.Max(elapsed.TotalSeconds, 1e-9);
        TimeSpan remaining = done == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(seconds / done * Math.Max(steps - step, 0));
        progress?.Report(new(phase, step, steps, epoch, epochs, loss, accuracy, learningRate, counted / seconds, elapsed, remaining, validation)
        {
            Unit = unit,
            AccuracyName = accuracyName,
        });
    }
}
