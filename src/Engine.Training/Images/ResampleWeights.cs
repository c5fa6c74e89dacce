namespace Engine.Training;

/// <summary>
/// The weights of one axis of a resize, as PIL computes them (Resample.c, precompute_coeffs and
/// normalize_coeffs_8bpc): output i is a weighted sum of inputs Start[i] .. Start[i] + Length[i] - 1.
/// </summary>
sealed class ResampleWeights
{
    /// <summary>Fraction bits of a weight: 32 less 8 of the pixel, less 2 for sums beyond [0, 1) of filters with negative lobes.</summary>
    public const int PrecisionBits = 32 - 8 - 2;

    readonly int[] weights;     // [outputs, Taps]

    ResampleWeights(int outputs, int taps)
    {
        Taps = taps;
        Start = new int[outputs];
        Length = new int[outputs];
        weights = new int[outputs * taps];
    }

    /// <summary>The most inputs that an output reads.</summary>
    public int Taps { get; }

    /// <summary>The first input of each output.</summary>
    public int[] Start { get; }

    /// <summary>How many inputs each output reads.</summary>
    public int[] Length { get; }

    /// <summary>The fixed-point weights of an output.</summary>
    public ReadOnlySpan<int> Of(int output) => weights.AsSpan(output * Taps, Length[output]);

    public static ResampleWeights Compute(int inputs, int outputs, Interpolation interpolation)
    {
        var (filter, radius) = Filter(interpolation);
        double scale = (double)inputs / outputs;
        double filterScale = Math.Max(scale, 1.0);      // antialiasing: the filter spans what shrinks to one pixel
        double support = radius * filterScale;
        double inverseScale = 1.0 / filterScale;
        var result = new ResampleWeights(outputs, (int)Math.Ceiling(support) * 2 + 1);
        var exact = new double[result.Taps];

        for (int i = 0; i < outputs; i++)
        {
            double center = (i + 0.5) * scale;
            int start = Math.Max((int)(center - support + 0.5), 0);
            int length = Math.Min((int)(center + support + 0.5), inputs) - start;
            double sum = 0;
            for (int k = 0; k < length; k++)
                sum += exact[k] = filter((k + start - center + 0.5) * inverseScale);

            var fixedPoint = result.weights.AsSpan(i * result.Taps, result.Taps);
            for (int k = 0; k < length; k++)
            {
                double weight = sum != 0 ? exact[k] / sum : exact[k];
                fixedPoint[k] = (int)(weight * (1 << PrecisionBits) + (weight < 0 ? -0.5 : 0.5));
            }
            result.Start[i] = start;
            result.Length[i] = length;
        }
        return result;
    }

    static (Func<double, double> Filter, double Radius) Filter(Interpolation interpolation) => interpolation switch
    {
        Interpolation.Bilinear => (Triangle, 1.0),
        Interpolation.Bicubic => (Cubic, 2.0),
        Interpolation.Lanczos => (Lanczos, 3.0),
        _ => throw new ArgumentOutOfRangeException(nameof(interpolation), interpolation, "Resize: no such interpolation."),
    };

    static double Triangle(double x) => Math.Max(1.0 - Math.Abs(x), 0.0);

    /// <summary>Keys 1981, "Cubic convolution interpolation for digital image processing", a = -0.5.</summary>
    static double Cubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        if (x < 1.0)
            return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
        return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
    }

    static double Lanczos(double x) => x is >= -3.0 and < 3.0 ? Sinc(x) * Sinc(x / 3) : 0.0;

    static double Sinc(double x) => x == 0.0 ? 1.0 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
