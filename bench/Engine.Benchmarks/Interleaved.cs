using System.Diagnostics;

namespace Engine.Benchmarks;

/// <summary>
/// Times several actions in turn, round after round, so that a disturbance of the machine hits all of them alike. The median
/// is what to expect, the best what the code can do.
/// </summary>
static class Interleaved
{
    public readonly record struct Result(double BestSeconds, double MedianSeconds);

    public static Result[] Measure(IReadOnlyList<Action> actions, int rounds, double minimumSeconds = 2e-3)
    {
        int[] repeats = new int[actions.Count];
        double[][] times = new double[actions.Count][];
        for (int i = 0; i < actions.Count; i++)
        {
            // Warm up until the code is compiled for good, then repeat often enough for the clock.
            long start = Stopwatch.GetTimestamp();
            int calls = 0;
            while (calls < 40 && (calls < 3 || Stopwatch.GetElapsedTime(start).TotalSeconds < 0.15))
            {
                actions[i]();
                calls++;
            }

            repeats[i] = Math.Max(1, (int)(minimumSeconds / Time(actions[i], Math.Max(1, calls / 8))));
            times[i] = new double[rounds];
        }

        for (int round = 0; round < rounds; round++)
            for (int i = 0; i < actions.Count; i++) times[i][round] = Time(actions[i], repeats[i]);
        return Array.ConvertAll(times, t =>
        {
            Array.Sort(t);
            return new Result(t[0], t[t.Length / 2]);
        });
    }

    static double Time(Action action, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < repeats; i++) action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeats;
    }
}
