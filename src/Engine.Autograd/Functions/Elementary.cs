using Engine.Tensors;

namespace Engine.Autograd;

// Elementary functions and activations: one line each, the formula is the functor's.
public static partial class Functions
{
    /// <summary>Any formula of one operand that knows its derivative: one of the engine's or your own.</summary>
    public static Variable Unary<TOp>(TOp op, Variable x) where TOp : struct, IDifferentiableUnary
    {
        Tensor y = Elementwise.Map(op, x.Value);
        return Tape.Record(y, [x], dy => Elementwise.Map(new GradientOf<TOp>(op), x.Value, y, dy), operation: typeof(TOp).Name);
    }

    /// <summary>-x.</summary>
    public static Variable Negate(Variable x) => Tape.Record(-x.Value, [x], dy => -dy);

    /// <summary>e^x.</summary>
    public static Variable Exp(Variable x) => Unary(new Exponential(), x);

    /// <summary>The natural logarithm.</summary>
    public static Variable Log(Variable x) => Unary(new NaturalLogarithm(), x);

    /// <summary>The square root.</summary>
    public static Variable Sqrt(Variable x) => Unary(new SquareRoot(), x);

    /// <summary>1 / sqrt(x).</summary>
    public static Variable ReciprocalSqrt(Variable x) => Unary(new ReciprocalSquareRoot(), x);

    /// <summary>1 / x.</summary>
    public static Variable Reciprocal(Variable x) => Unary(new Reciprocal(), x);

    /// <summary>x^2.</summary>
    public static Variable Square(Variable x) => Unary(new Square(), x);

    /// <summary>|x|; the derivative at 0 is 0.</summary>
    public static Variable Abs(Variable x) => Unary(new Absolute(), x);

    /// <summary>The sine, x in radians.</summary>
    public static Variable Sin(Variable x) => Unary(new Sine(), x);

    /// <summary>The cosine, x in radians.</summary>
    public static Variable Cos(Variable x) => Unary(new Cosine(), x);

    /// <summary>The error function.</summary>
    public static Variable Erf(Variable x) => Unary(new Erf(), x);

    /// <summary>The hyperbolic tangent.</summary>
    public static Variable Tanh(Variable x) => Unary(new HyperbolicTangent(), x);

    /// <summary>The logistic function, 1 / (1 + e^-x).</summary>
    public static Variable Sigmoid(Variable x) => Unary(new Sigmoid(), x);

    /// <summary>max(x, 0); the derivative at 0 is 0.</summary>
    public static Variable Relu(Variable x) => Unary(new Relu(), x);

    /// <summary>x * sigmoid(x) (Elfwing et al. 2017).</summary>
    public static Variable Silu(Variable x) => Unary(new Silu(), x);

    /// <summary>x * Phi(x) with the exact normal distribution (Hendrycks and Gimpel 2016).</summary>
    public static Variable Gelu(Variable x) => Unary(new Gelu(), x);

    /// <summary>The approximation of <see cref="Gelu"/> by tanh.</summary>
    public static Variable GeluTanh(Variable x) => Unary(new GeluTanh(), x);

    /// <summary>x * sigmoid(1.702 x), CLIP's approximation of <see cref="Gelu"/>.</summary>
    public static Variable QuickGelu(Variable x) => Unary(new QuickGelu(), x);

    /// <summary>x^exponent.</summary>
    public static Variable Pow(Variable x, float exponent) => Unary(new Power(exponent), x);

    /// <summary>x held between min and max; the derivative is 1 inside and at the ends, 0 outside.</summary>
    public static Variable Clamp(Variable x, float min, float max) => Unary(new Clamp(min, max), x);
}
