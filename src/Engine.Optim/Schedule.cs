namespace Engine.Optim;

/// <summary>
/// A learning rate over time, as a factor of the base rate: <c>optimizer.LearningRate = rate * schedule.Factor(step)</c> before each
/// step. The first <see cref="Warmup"/> steps climb linearly from <see cref="WarmupStart"/> to 1, as in the transformers library.
/// </summary>
public abstract record Schedule
{
    /// <summary>How many steps climb to the full rate.</summary>
    public long Warmup { get; init; }

    /// <summary>The factor of the first step of the climb, 0 to 1.</summary>
    public double WarmupStart { get; init; }

    /// <summary>The factor of a step, 0 the first.</summary>
    public double Factor(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return step < Warmup ? WarmupStart + (1 - WarmupStart) * step / Warmup : AfterWarmup(step);
    }

    /// <summary>The factor of a step at or after the end of the climb.</summary>
    protected abstract double AfterWarmup(long step);

    /// <summary>How much of the time after the climb is over, 0 to 1.</summary>
    protected double Progress(long step, long total) => Math.Min((double)(step - Warmup) / Math.Max(1, total - Warmup), 1);
}

/// <summary>The same rate throughout.</summary>
public sealed record ConstantSchedule : Schedule
{
    /// <inheritdoc/>
    protected override double AfterWarmup(long step) => 1;
}

/// <summary>In a straight line down to <paramref name="Minimum"/> at the last step.</summary>
/// <param name="Total">All steps, the climb included.</param>
/// <param name="Minimum">The factor at the end.</param>
public sealed record LinearSchedule(long Total, double Minimum = 0) : Schedule
{
    /// <inheritdoc/>
    protected override double AfterWarmup(long step) => 1 + (Minimum - 1) * Progress(step, Total);
}

/// <summary>Half a cosine wave down to <paramref name="Minimum"/> (Loshchilov and Hutter 2017).</summary>
/// <param name="Total">All steps, the climb included.</param>
/// <param name="Minimum">The factor at the end.</param>
public sealed record CosineSchedule(long Total, double Minimum = 0) : Schedule
{
    /// <inheritdoc/>
    protected override double AfterWarmup(long step) =>
        Minimum + (1 - Minimum) * 0.5 * (1 + Math.Cos(Math.PI * Progress(step, Total)));
}

/// <summary>Times <paramref name="Gamma"/> after every <paramref name="Every"/> steps, counted from the first step of all.</summary>
/// <param name="Every">Steps between two drops.</param>
/// <param name="Gamma">What each drop multiplies with.</param>
public sealed record StepSchedule(long Every, double Gamma = 0.1) : Schedule
{
    /// <inheritdoc/>
    protected override double AfterWarmup(long step) => Math.Pow(Gamma, step / Every);
}

/// <summary>
/// One cycle (Smith and Topin 2019) as torch's OneCycleLR with cosines: up from 1 / <paramref name="Division"/> to 1 over the first part,
/// then down to 1 / (<paramref name="Division"/> <paramref name="FinalDivision"/>). It has its own climb; leave <see cref="Schedule.Warmup"/> at 0.
/// </summary>
/// <param name="Total">All steps.</param>
/// <param name="Rise">The share of the steps that climb.</param>
/// <param name="Division">The full rate over the first.</param>
/// <param name="FinalDivision">The first rate over the last.</param>
public sealed record OneCycleSchedule(long Total, double Rise = 0.3, double Division = 25, double FinalDivision = 1e4) : Schedule
{
    /// <inheritdoc/>
    protected override double AfterWarmup(long step)
    {
        double peak = Rise * Total - 1, last = Total - 1, start = 1 / Division;
        return step <= peak
            ? Anneal(start, 1, step / peak)
            : Anneal(1, start / FinalDivision, Math.Min((step - peak) / (last - peak), 1));
    }

    static double Anneal(double from, double to, double share) => to + (from - to) / 2 * (1 + Math.Cos(Math.PI * share));
}
