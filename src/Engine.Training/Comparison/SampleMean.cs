namespace Engine.Training;

/// <summary>A mean over seeds and how sure it is.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="HalfWidth">Half the width of its 95 % confidence interval by Student's t; NaN for a single value.</param>
/// <param name="Count">Values.</param>
public readonly record struct SampleMean(double Mean, double HalfWidth, int Count)
{
    // Quantiles 0.975 of Student's t for 1 to 30 degrees of freedom; beyond, the normal distribution's is close.
    static ReadOnlySpan<double> Quantiles =>
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>The mean of some values; NaN of none.</summary>
    public static SampleMean Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        if (all.Length == 0) return new(double.NaN, double.NaN, 0);
        double mean = all.Average();
        if (all.Length == 1) return new(mean, double.NaN, 1);
        double deviation = Math.Sqrt(all.Sum(value => (value - mean) * (value - mean)) / (all.Length - 1));
        double quantile = all.Length - 2 < Quantiles.Length ? Quantiles[all.Length - 2] : 1.96;
        return new(mean, quantile * deviation / Math.Sqrt(all.Length), all.Length);
    }
}
