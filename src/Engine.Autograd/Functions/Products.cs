using Engine.Tensors;

namespace Engine.Autograd;

// Matrix products.
public static partial class Functions
{
    /// <summary>The matrix product; the axes before the last two broadcast.</summary>
    /// <param name="a">[..., M, K], or [K]: a row, whose axis the result lacks</param>
    /// <param name="b">[..., K, N], or [K]: a column, whose axis the result lacks</param>
    /// <returns>[..., M, N]</returns>
    /// <exception cref="ShapeException">The inner dimensions differ, or the others do not broadcast.</exception>
    public static Variable MatMul(Variable a, Variable b)
    {
        if (b.Rank == 1) return Squeeze(MatMul(a, Unsqueeze(b, 1)), -1);
        if (a.Rank == 1) return Squeeze(MatMul(Unsqueeze(a, 0), b), -2);
        (a, b) = (Tape.Narrow(a), Tape.Narrow(b));
        return Tape.Record(Matrices.MatMul(a.Value, b.Value), [a, b], dy => (
            a.RequiresGradient ? SumTo(Matrices.MatMul(dy, b.Value.Transpose()), a) : null,
            b.RequiresGradient ? MatMulGradientB(a.Value, dy, b) : null));
    }

    // One matrix b for a whole batch: its gradient is one product over all rows, not a sum of small ones.
    static Tensor? MatMulGradientB(Tensor a, Tensor dy, Variable b) =>
        b.Rank == 2 && a.Rank > 2
            ? Matrices.MatMul(a.Reshape(-1, a.Shape[^1]).Transpose(), dy.Reshape(-1, dy.Shape[^1]))
            : SumTo(Matrices.MatMul(a.Transpose(), dy), b);

    /// <summary>x weight^T + bias.</summary>
    /// <param name="x">[..., in]</param>
    /// <param name="weight">[out, in]</param>
    /// <param name="bias">[out], or null</param>
    /// <returns>[..., out]</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable Linear(Variable x, Variable weight, Variable? bias = null)
    {
        (x, weight, bias) = (Tape.Narrow(x), Tape.Narrow(weight), Tape.Narrow(bias));
        return Tape.Record(
            Matrices.Linear(x.Value, weight.Value, bias?.Value),
            [x, weight, bias],
            dy => LinearGradients(dy, x, weight, bias));
    }

    /// <summary>activation(x weight^T + bias) in one pass over the result.</summary>
    /// <param name="activation">A formula that knows its derivative, for instance <see cref="Engine.Tensors.Gelu"/>.</param>
    /// <param name="x">[..., in]</param>
    /// <param name="weight">[out, in]</param>
    /// <param name="bias">[out], or null</param>
    /// <returns>[..., out]</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable Linear<TActivation>(TActivation activation, Variable x, Variable weight, Variable? bias = null)
        where TActivation : struct, IDifferentiableUnary
    {
        (x, weight, bias) = (Tape.Narrow(x), Tape.Narrow(weight), Tape.Narrow(bias));
        Tensor? sum = null;
        Tensor y = Tape.Records(x, weight, bias)
            ? Matrices.Linear(activation, x.Value, weight.Value, bias?.Value, out sum)
            : Matrices.Linear(activation, x.Value, weight.Value, bias?.Value);
        return Tape.Record(
            y,
            [x, weight, bias],
            dy => LinearGradients(Elementwise.Map(new GradientOf<TActivation>(activation), sum!, y, dy), x, weight, bias),
            saved: [sum]);
    }

    static Gradients LinearGradients(Tensor dy, Variable x, Variable weight, Variable? bias) => (
        x.RequiresGradient ? Matrices.LinearInputGradient(dy, weight.Value) : null,
        weight.RequiresGradient ? Matrices.LinearWeightGradient(dy, x.Value) : null,
        bias is null ? null : SumTo(dy, bias));
}
