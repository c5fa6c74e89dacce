using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>
/// The differentiable operations: variables in, a variable out, forward and gradient side by side. Shapes broadcast as in
/// NumPy; nothing is computed for inputs that need no gradient.
/// </summary>
public static partial class Functions
{
    /// <summary>a + b.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable Add(Variable a, Variable b)
    {
        (a, b) = Tape.Match(a, b);
        return Tape.Record(a.Value + b.Value, [a, b], dy => (SumTo(dy, a), SumTo(dy, b)));
    }

    /// <summary>a - b.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable Subtract(Variable a, Variable b)
    {
        (a, b) = Tape.Match(a, b);
        return Tape.Record(a.Value - b.Value, [a, b], dy => (SumTo(dy, a), SumTo(dy, b) is { } db ? -db : null));
    }

    /// <summary>a * b, element by element.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable Multiply(Variable a, Variable b)
    {
        (a, b) = Tape.Match(a, b);
        return Tape.Record(a.Value * b.Value, [a, b], dy => (
            a.RequiresGradient ? SumTo(dy * b.Value, a) : null,
            b.RequiresGradient ? SumTo(dy * a.Value, b) : null));
    }

    /// <summary>a / b, element by element.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable Divide(Variable a, Variable b) => Binary(new Divide(), a, b);

    /// <summary>The larger of a and b; where they are equal each receives half of the gradient.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable Maximum(Variable a, Variable b) => Binary(new Maximum(), a, b);

    /// <summary>The smaller of a and b; where they are equal each receives half of the gradient.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable Minimum(Variable a, Variable b) => Binary(new Minimum(), a, b);

    /// <summary>factor * x.</summary>
    public static Variable Scale(Variable x, float factor) => Unary(new Scale(factor), x);

    /// <summary>x + constant.</summary>
    public static Variable AddConstant(Variable x, float constant) =>
        Tape.Record(x.Value + constant, [x], dy => dy);

    /// <summary>Any formula of two operands that knows its derivatives: one of the engine's or your own.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Variable Binary<TOp>(TOp op, Variable a, Variable b) where TOp : struct, IDifferentiableBinary
    {
        (a, b) = Tape.Match(a, b);
        return Tape.Record(
            Elementwise.Map(op, a.Value, b.Value),
            [a, b],
            dy => (
                a.RequiresGradient ? SumTo(Elementwise.Map(new GradientAOf<TOp>(op), a.Value, b.Value, dy), a) : null,
                b.RequiresGradient ? SumTo(Elementwise.Map(new GradientBOf<TOp>(op), a.Value, b.Value, dy), b) : null),
            operation: typeof(TOp).Name);
    }

    // The gradient of broadcasting: what was stretched is summed, in float32 for 16 bits.
    static Tensor? SumTo(Tensor gradient, Variable input) =>
        !input.RequiresGradient ? null
        : gradient.Shape == input.Shape ? gradient
        : Reduction.SumTo(gradient, input.Shape);

    // An optional input may be absent.
    static bool Wants(Variable? input) => input is { RequiresGradient: true };
}
