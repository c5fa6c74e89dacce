using System.Diagnostics;

namespace Engine.Tensors;

/// <summary>Where the time of one step goes, of a training step or any other work that is done again and again.</summary>
/// <param name="Seconds">What a step took, profiling included.</param>
/// <param name="Operations">What was called in a step, the most expensive first; calls and sums are per step.</param>
public sealed record StepProfile(double Seconds, IReadOnlyList<OperationProfile> Operations)
{
    /// <summary>The time in no operation: the tape, the models' own code, the profile.</summary>
    public double SecondsOutside => Seconds - Operations.Sum(operation => operation.Seconds);

    /// <summary>Runs a step a few times for the compiler and the pool, then profiles it.</summary>
    /// <param name="profile">The backend that all tensors of the step lie on.</param>
    /// <param name="step">The work.</param>
    /// <param name="steps">How many are averaged.</param>
    /// <param name="warmUp">How many are run before.</param>
    /// <param name="byShape">A row for each shape of an operation.</param>
    public static StepProfile Measure(ProfilingBackend profile, Action step, int steps, int warmUp, bool byShape = false)
    {
        ArgumentNullException.ThrowIfNull(profile);
        ArgumentNullException.ThrowIfNull(step);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        for (int i = 0; i < warmUp; i++) step();
        profile.Clear();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps; i++) step();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / steps;
        return new(seconds, [.. profile.Operations(byShape).Select(operation => operation with
        {
            Calls = (long)Math.Round((double)operation.Calls / steps),
            Seconds = operation.Seconds / steps,
            Flops = operation.Flops / steps,
            Bytes = operation.Bytes / steps,
        })]);
    }
}
