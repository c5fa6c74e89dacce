using System.Diagnostics;
using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>
/// Times both sides A B A B: a disturbance of the machine hits them alike. Each round waits for the device before and after,
/// and repeats a call until the clock has something to measure. What compiles is done before: kernels with the first call,
/// our host code and torch's plans in the warm-up.
/// </summary>
/// <param name="device">Ours.</param>
/// <param name="count">Rounds.</param>
/// <param name="warmUp">Seconds of warm-up a side.</param>
/// <param name="length">Seconds of a round a side.</param>
sealed class Rounds(Device device, int count, double warmUp, double length)
{
    /// <summary>Seconds of warm-up a side.</summary>
    public double WarmUp => warmUp;

    /// <summary>Medians of both sides, one of which may be missing.</summary>
    /// <param name="run">Queues one call of ours; null where there is none.</param>
    /// <param name="peer">torch with the case prepared; null where there is none.</param>
    public Timing Measure(Action? run, TorchPeer? peer)
    {
        int calls = run is null ? 0 : WarmedUp(run);
        List<double> ours = [], theirs = [];
        for (int round = 0; round < count; round++)
        {
            if (run is not null) ours.Add(Time(run, calls));
            if (peer?.Time(length) is { } milliseconds) theirs.Add(milliseconds);
        }

        return new(Median(ours), theirs.Count == count ? Median(theirs) : null);
    }

    /// <summary>Warms up.</summary>
    /// <returns>How many calls fill a round.</returns>
    int WarmedUp(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        int calls = 0;
        for (; calls < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < warmUp; calls++) Time(run, 1);
        return (int)Math.Clamp(1e3 * length / Time(run, Math.Max(1, calls / 4)), 1, 100_000);
    }

    double Time(Action run, int calls)
    {
        device.Backend.Synchronize();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            using StepScope scope = StepScope.Begin();
            run();
        }

        device.Backend.Synchronize();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / calls;
    }

    static double? Median(List<double> values)
    {
        if (values.Count == 0) return null;
        values.Sort();
        return values[values.Count / 2];
    }
}
