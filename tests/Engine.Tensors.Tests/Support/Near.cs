namespace Engine.Tensors.Tests;

/// <summary>Comparison of a whole tensor with numbers computed in double precision.</summary>
public static class Near
{
    /// <summary>|ours - reference| &lt;= tolerance (1 + |reference|) everywhere; infinities and NaN must be the same ones.</summary>
    public static void Check(Tensor ours, ReadOnlySpan<double> reference, double tolerance, string what)
    {
        double[] mine = ours.To(DType.Float64).ToArray<double>();
        Assert.True(mine.Length == reference.Length, $"{what}: {ours.Shape} has {mine.Length} elements, the reference {reference.Length}.");
        (int worst, double largest) = (0, 0);
        for (int i = 0; i < mine.Length; i++)
        {
            double error = mine[i].Equals(reference[i]) ? 0 : Math.Abs(mine[i] - reference[i]) / (1 + Math.Abs(reference[i]));
            if (!(error <= largest)) (worst, largest) = (i, error);
            if (double.IsNaN(error)) break;
        }

        Assert.True(largest <= tolerance, largest <= tolerance ? "" :
            $"{what}: element {worst} of {ours.Shape} is {mine[worst]:R}, expected {reference[worst]:R}: error {largest:G3}, allowed {tolerance:G3}.");
    }

    /// <summary>Central differences of sum(weights * f(x)) for every element of x, in double.</summary>
    public static double[] Differences(Func<Tensor, Tensor> function, double[] x, Shape shape, double[] weights, double step = 1e-5)
    {
        double[] result = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double kept = x[i];
            x[i] = kept + step;
            double above = Weigh();
            x[i] = kept - step;
            result[i] = (above - Weigh()) / (2 * step);
            x[i] = kept;
        }

        return result;

        double Weigh()
        {
            double[] y = function(Tensor.From(x, shape)).ToArray<double>();
            double sum = 0;
            for (int i = 0; i < y.Length; i++) sum += y[i] * weights[i];
            return sum;
        }
    }

    /// <summary>Numbers between -spread and spread that float32 holds exactly.</summary>
    public static double[] Draw(int count, int seed, double spread = 2)
    {
        Random random = new(seed);
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) numbers[i] = (float)(spread * (2 * random.NextDouble() - 1));
        return numbers;
    }
}
