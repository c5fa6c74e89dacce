namespace Engine.Tensors.Tests;

/// <summary>Single-precision functions over dense ranges, against double precision.</summary>
public sealed class AccuracyTests
{
    static double Worst<TOp>(double from, double to, Func<double, double> exact, bool relative) where TOp : struct, IUnary
    {
        const int count = 200_003;
        float[] x = new float[count];
        for (int i = 0; i < count; i++) x[i] = (float)(from + (to - from) * i / (count - 1));
        float[] y = Elementwise.Map<TOp>(Tensor.From(x, [count])).ToArray<float>();
        double worst = 0;
        for (int i = 0; i < count; i++)
        {
            double expected = exact(x[i]), error = Math.Abs(y[i] - expected);
            if (relative) error = expected == 0 ? (error == 0 ? 0 : double.PositiveInfinity) : error / Math.Abs(expected);
            worst = Math.Max(worst, error);
        }

        return worst;
    }

    // One unit in the last place is at most 2^-23 = 1.2e-7 relative.
    [Fact]
    public void Exponential_errs_by_two_ulp_at_most() => Assert.InRange(Worst<Exponential>(-87, 88, Math.Exp, true), 0, 2.4e-7);

    [Fact]
    public void Logarithm_errs_by_two_ulp_at_most() => Assert.InRange(Worst<NaturalLogarithm>(1.5, 1e6, Math.Log, true), 0, 2.4e-7);

    [Fact]
    public void Tanh_is_relatively_exact_also_near_zero()
    {
        Assert.InRange(Worst<HyperbolicTangent>(-12, 12, Math.Tanh, true), 0, 4e-7);
        Assert.InRange(Worst<HyperbolicTangent>(-1e-3, 1e-3, Math.Tanh, true), 0, 4e-7);
    }

    [Fact]
    public void Error_function_is_relatively_exact_also_near_zero()
    {
        Assert.InRange(Worst<Erf>(-5, 5, ErrorFunction.Double, true), 0, 2.4e-7);
        Assert.InRange(Worst<Erf>(-1e-3, 1e-3, ErrorFunction.Double, true), 0, 2.4e-7);
    }

    [Fact]
    public void Gelu_errs_by_a_few_ulp_of_its_operand() =>
        Assert.InRange(Worst<Gelu>(-6, 6, x => 0.5 * x * (1 + ErrorFunction.Double(x / Math.Sqrt(2))), false), 0, 6e-7);

    [Fact]
    public void Sigmoid_is_relatively_exact_to_its_tail() =>
        Assert.InRange(Worst<Sigmoid>(-80, 80, x => 1 / (1 + Math.Exp(-x)), true), 0, 5e-7);

    [Fact]
    public void Sine_and_cosine_are_exact_over_many_turns()
    {
        Assert.InRange(Worst<Sine>(-100, 100, Math.Sin, false), 0, 2e-7);
        Assert.InRange(Worst<Cosine>(-100, 100, Math.Cos, false), 0, 2e-7);
    }

    [Fact]
    public void Normal_quantile_inverts_the_distribution() =>
        Assert.InRange(Worst<NormalQuantile>(-0.999, 0.999, x =>
        {
            // Newton on erf(z / sqrt 2) = x.
            double z = x;
            for (int i = 0; i < 60; i++) z -= (ErrorFunction.Double(z / Math.Sqrt(2)) - x) / (Math.Sqrt(2 / Math.PI) * Math.Exp(-z * z / 2));
            return z;
        }, false), 0, 2e-6);
}
