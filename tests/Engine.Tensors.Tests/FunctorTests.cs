namespace Engine.Tensors.Tests;

/// <summary>Each formula against its definition in double, and its derivative against central differences.</summary>
public sealed class FunctorTests
{
    const double Step = 1e-6;

    static readonly double[] Anywhere = [-30, -6, -2.5, -1, -0.7, -0.6, -0.3, -1e-3, 1e-4, 0.2, 0.61, 0.64, 1, 1.9, 3, 8, 30];
    static readonly double[] Positive = [1e-2, 0.3, 1, 2.5, 10, 50];

    static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    static double Normal(double x) => 0.5 * (1 + ErrorFunction.Double(x / Math.Sqrt(2)));

    static void Check<TOp>(TOp op, Func<double, double> formula, double[] places, double relative = 1e-12, double single = 3e-6, double absolute = 0) where TOp : struct, IDifferentiableUnary
    {
        Tensor x = Tensor.From(places, [places.Length]), dy = Tensor.Full(x.Shape, 1.5, DType.Float64);
        Tensor y = Elementwise.Map(op, x);
        Expect.Close(Array.ConvertAll(places, v => formula(v)), y, relative, 1e-14);
        double[] slopes = Array.ConvertAll(places, v => 1.5 * (formula(v + Step) - formula(v - Step)) / (2 * Step));
        Expect.Close(slopes, Elementwise.Map(new GradientOf<TOp>(op), x, y, dy), 1e-6, 3e-8);

        float[] narrow = Array.ConvertAll(places, v => (float)v);
        Tensor z = Elementwise.Map(op, Tensor.From(narrow, [narrow.Length]));
        Expect.Close(Array.ConvertAll(narrow, v => formula(v)), z, single, absolute);
    }

    [Fact]
    public void Negate_is_right() => Check(default(Negate), x => -x, Anywhere);

    [Fact]
    public void Absolute_is_right() => Check(default(Absolute), Math.Abs, Anywhere);

    [Fact]
    public void Exponential_is_right() => Check(default(Exponential), Math.Exp, [-30, -2, 0, 1, 5]);

    [Fact]
    public void Natural_logarithm_is_right() => Check(default(NaturalLogarithm), Math.Log, Positive);

    [Fact]
    public void Square_root_is_right() => Check(default(SquareRoot), Math.Sqrt, Positive);

    [Fact]
    public void Reciprocal_square_root_is_right() => Check(default(ReciprocalSquareRoot), x => 1 / Math.Sqrt(x), [0.3, 1, 2.5, 10, 50]);

    [Fact]
    public void Reciprocal_is_right() => Check(default(Reciprocal), x => 1 / x, [-5, -0.5, 0.3, 1, 7]);

    [Fact]
    public void Square_is_right() => Check(default(Square), x => x * x, Anywhere);

    [Fact]
    public void Sine_is_right() => Check(default(Sine), Math.Sin, Anywhere, absolute: 1e-6);

    [Fact]
    public void Cosine_is_right() => Check(default(Cosine), Math.Cos, Anywhere, absolute: 1e-6);

    [Fact]
    public void Erf_is_right() => Check(default(Erf), ErrorFunction.Double, Anywhere, absolute: 3e-7);

    [Fact]
    public void Hyperbolic_tangent_is_right() => Check(default(HyperbolicTangent), Math.Tanh, Anywhere, single: 5e-7);

    [Fact]
    public void Sigmoid_is_right() => Check(default(Sigmoid), Logistic, Anywhere);

    [Fact]
    public void Relu_is_right() => Check(default(Relu), x => Math.Max(x, 0), Anywhere);

    [Fact]
    public void Silu_is_right() => Check(default(Silu), x => x * Logistic(x), Anywhere);

    [Fact]
    public void Gelu_is_right() => Check(default(Gelu), x => x * Normal(x), Anywhere, absolute: 1e-6);

    [Fact]
    public void Tanh_approximation_of_gelu_is_right() => Check(default(GeluTanh),
        x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))), Anywhere, absolute: 1e-6);

    [Fact]
    public void Quick_gelu_is_right() => Check(default(QuickGelu), x => x * Logistic(1.702 * x), Anywhere, single: 5e-6);

    [Theory]
    [InlineData(2f)]
    [InlineData(1f)]
    [InlineData(0f)]
    [InlineData(0.5f)]
    [InlineData(-0.5f)]
    [InlineData(-1f)]
    [InlineData(-1.5f)]
    [InlineData(3.25f)]
    public void Power_is_right(float exponent) => Check(new Power(exponent), x => Math.Pow(x, exponent), [0.3, 1, 2.5, 10]);

    [Theory]
    [InlineData(2f)]
    [InlineData(3f)]
    [InlineData(-1f)]
    [InlineData(-3f)]
    public void Whole_powers_of_negative_numbers_are_right(float exponent) => Check(new Power(exponent), x => Math.Pow(x, exponent), [-3, -0.6, 1.5]);

    [Fact]
    public void Clamp_is_right() => Check(new Clamp(-0.5f, 2), x => Math.Clamp(x, -0.5, 2), Anywhere);

    [Fact]
    public void Affine_formulas_are_right()
    {
        Check(new Affine(2.5f, -1), x => 2.5 * x - 1, Anywhere, absolute: 1e-5);
        Check(new Scale(-3), x => -3 * x, Anywhere);
        Check(new AddConstant(0.25f), x => x + 0.25, Anywhere, absolute: 1e-6);
    }

    [Fact]
    public void Bounds_and_kinks_have_torchs_derivatives()
    {
        double[] dx = Derivative(new Clamp(-1, 1), [-1, 1, -1.5, 2]);
        Assert.Equal([1, 1, 0, 0], dx);
        Assert.Equal([0, 0, 1], Derivative(default(Relu), [0, -1, 2]));
        Assert.Equal([0, -1, 1], Derivative(default(Absolute), [0, -1, 2]));
        Assert.Equal([0], Derivative(new Power(0), [0]));
        Assert.Equal([1], Derivative(new Power(1), [0]));
    }

    static double[] Derivative<TOp>(TOp op, double[] places) where TOp : struct, IDifferentiableUnary
    {
        Tensor x = Tensor.From(places, [places.Length]);
        return Elementwise.Map(new GradientOf<TOp>(op), x, Elementwise.Map(op, x), Tensor.Ones(x.Shape, DType.Float64)).Doubles();
    }

    static void Check<TOp>(TOp op, Func<double, double, double> formula, double[] left, double[] right) where TOp : struct, IDifferentiableBinary
    {
        double[] p = [.. left.SelectMany(l => right.Select(_ => l))], q = [.. left.SelectMany(_ => right)];
        Tensor a = Tensor.From(p, [p.Length]), b = Tensor.From(q, [q.Length]), dy = Tensor.Full(a.Shape, -0.7, DType.Float64);
        Expect.Close([.. p.Zip(q, formula)], Elementwise.Map(op, a, b), 1e-13, 1e-14);
        Expect.Close([.. p.Zip(q, (l, r) => -0.7 * (formula(l + Step, r) - formula(l - Step, r)) / (2 * Step))],
            Elementwise.Map(new GradientAOf<TOp>(op), a, b, dy), 1e-6, 1e-7);
        Expect.Close([.. p.Zip(q, (l, r) => -0.7 * (formula(l, r + Step) - formula(l, r - Step)) / (2 * Step))],
            Elementwise.Map(new GradientBOf<TOp>(op), a, b, dy), 1e-6, 1e-7);
    }

    static readonly double[] Some = [-9, -1.3, -0.2, 0.4, 1.1, 6];

    [Fact]
    public void Arithmetic_is_right()
    {
        double[] others = [-4, -0.9, 0.5, 2.2];
        Check(default(Add), (a, b) => a + b, Some, others);
        Check(default(Subtract), (a, b) => a - b, Some, others);
        Check(default(Multiply), (a, b) => a * b, Some, others);
        Check(default(Divide), (a, b) => a / b, Some, others);
        Check(default(SquaredError), (a, b) => (a - b) * (a - b), Some, others);
        Check(default(Maximum), Math.Max, Some, others);
        Check(default(Minimum), Math.Min, Some, others);
        Check(default(SwiGlu), (a, b) => a * Logistic(a) * b, Some, others);
    }

    [Fact]
    public void Binary_cross_entropy_is_right_and_keeps_small_losses()
    {
        Check(default(BinaryCrossEntropyWithLogits), (x, t) => -t * Math.Log(Logistic(x)) - (1 - t) * Math.Log(1 - Logistic(x)), Some, [0.1, 0.5, 0.9]);
        Tensor logits = Tensor.From<float>([-20, 20, -200, 200], [4]), targets = Tensor.From<float>([0, 1, 0, 0], [4]);
        Expect.Close([Math.Exp(-20), Math.Exp(-20), 0, 200], Elementwise.Map<BinaryCrossEntropyWithLogits>(logits, targets), 1e-6, 1e-37);
    }

    [Fact]
    public void Equal_operands_share_the_gradient_of_their_extreme()
    {
        Tensor a = Tensor.Ones([1]), dy = Tensor.Full([1], 3);
        Assert.Equal([1.5], Elementwise.Map(new GradientAOf<Maximum>(default), a, a, dy).Doubles());
        Assert.Equal([1.5], Elementwise.Map(new GradientBOf<Maximum>(default), a, a, dy).Doubles());
        Assert.Equal([1.5], Elementwise.Map(new GradientAOf<Minimum>(default), a, a, dy).Doubles());
        Assert.Equal([1.5], Elementwise.Map(new GradientBOf<Minimum>(default), a, a, dy).Doubles());
    }

    [Fact]
    public void NaN_passes_through_and_infinities_are_ordered()
    {
        const float inf = float.PositiveInfinity, nan = float.NaN;
        Tensor a = Tensor.From<float>([nan, 1, nan, -inf, inf, 2], [6]), b = Tensor.From<float>([1, nan, nan, 2, 2, -inf], [6]);
        Assert.Equal([nan, nan, nan, 2, inf, 2], Elementwise.Map<Maximum>(a, b).ToArray<float>());
        Assert.Equal([nan, nan, nan, -inf, 2, -inf], Elementwise.Map<Minimum>(a, b).ToArray<float>());
        foreach (Tensor y in new[]
        {
            Elementwise.Map<Relu>(a), Elementwise.Map(new Clamp(-1, 1), a), Elementwise.Map<HyperbolicTangent>(a), Elementwise.Map<Exponential>(a),
            Elementwise.Map<Sigmoid>(a), Elementwise.Map<Erf>(a),
        })
            Assert.True(float.IsNaN(y.ToArray<float>()[0]));
        Assert.Equal([0, inf], Elementwise.Map<Exponential>(Tensor.From<float>([-inf, inf], [2])).ToArray<float>());
        Assert.Equal([0, 1], Elementwise.Map<Sigmoid>(Tensor.From<float>([-1000, 1000], [2])).ToArray<float>());
        Assert.Equal([-1, 1], Elementwise.Map<HyperbolicTangent>(Tensor.From<float>([-inf, inf], [2])).ToArray<float>());
    }

    [Fact]
    public void Dropout_keeps_and_scales_or_zeroes()
    {
        Tensor x = Tensor.Full([4], 3), draw = Tensor.From<float>([0, 0.59f, 0.6f, 0.9f], [4]);
        Dropout op = new(0.6f);
        Expect.Close([5, 5, 0, 0], Elementwise.Map(op, x, draw), 1e-6);
        Expect.Close([5, 5, 0, 0], Elementwise.Map(new GradientAOf<Dropout>(op), x, draw, x), 1e-6);
        Expect.Close([0, 0, 0, 0], Elementwise.Map(new GradientBOf<Dropout>(op), x, draw, x), 0);
    }
}
