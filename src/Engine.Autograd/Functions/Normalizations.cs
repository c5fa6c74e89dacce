using Engine.Tensors;

namespace Engine.Autograd;

// Normalizations and softmax.
public static partial class Functions
{
    /// <summary>Layer normalization over the last axis (Ba et al. 2016).</summary>
    /// <param name="x">[..., D]</param>
    /// <param name="gamma">[D], or null for ones</param>
    /// <param name="beta">[D], or null for zeros</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>[..., D]</returns>
    /// <exception cref="ShapeException">gamma or beta is not [D].</exception>
    public static Variable LayerNorm(Variable x, Variable? gamma, Variable? beta, float epsilon = 1e-5f)
    {
        (x, gamma, beta) = (Tape.Narrow(x), Tape.Narrow(gamma), Tape.Narrow(beta));
        var (y, mean, rstd) = Normalization.LayerNorm(x.Value, gamma?.Value, beta?.Value, epsilon);
        return Tape.Record(
            y,
            [x, gamma, beta],
            dy => Normalization.LayerNormGradient(dy, x.Value, gamma?.Value, mean, rstd, Wants(gamma), Wants(beta)),
            saved: [mean, rstd]);
    }

    /// <summary>Each row divided by its root mean square (Zhang and Sennrich 2019).</summary>
    /// <param name="x">[..., D]</param>
    /// <param name="gamma">[D], or null for ones</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <returns>[..., D]</returns>
    /// <exception cref="ShapeException">gamma is not [D].</exception>
    public static Variable RmsNorm(Variable x, Variable? gamma, float epsilon = 1e-6f)
    {
        (x, gamma) = (Tape.Narrow(x), Tape.Narrow(gamma));
        var (y, rstd) = Normalization.RmsNorm(x.Value, gamma?.Value, epsilon);
        return Tape.Record(
            y,
            [x, gamma],
            dy => Normalization.RmsNormGradient(dy, x.Value, gamma?.Value, rstd, Wants(gamma)),
            saved: [rstd]);
    }

    /// <summary>
    /// Batch normalization as evaluated: with the statistics of each channel that training left (Ioffe and Szegedy 2015).
    /// They are constants, as everywhere: no gradient flows into them.
    /// </summary>
    /// <param name="x">[B, C, ...]</param>
    /// <param name="mean">[C]</param>
    /// <param name="variance">[C]</param>
    /// <param name="gamma">[C]</param>
    /// <param name="beta">[C]</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>x's shape</returns>
    /// <exception cref="ShapeException">A statistic, gamma or beta is not [C].</exception>
    public static Variable BatchNorm(Variable x, Tensor mean, Tensor variance, Variable gamma, Variable beta, float epsilon = 1e-5f)
    {
        if (x.Rank < 2) throw new ShapeException($"BatchNorm: x is {x.Shape}, not [B, C, ...].");
        Shape channels = [x.Shape[1]];
        foreach (Shape shape in (ReadOnlySpan<Shape>)[mean.Shape, variance.Shape, gamma.Shape, beta.Shape])
            if (shape != channels) throw new ShapeException($"BatchNorm: x {x.Shape} takes statistics, gamma and beta of {channels}, not {shape}.");

        // y = x * scale + shift: everything else happens on [C].
        int[] stretched = new int[x.Rank - 1];
        Array.Fill(stretched, 1);
        stretched[0] = x.Shape[1];
        x = Tape.Widen(x);
        Variable scale = gamma * Elementwise.Map(new ReciprocalSquareRoot(), variance + epsilon);
        Variable shift = beta - mean * scale;
        return Tape.Narrow(x * Reshape(scale, stretched) + Reshape(shift, stretched));
    }

    /// <summary>
    /// Batch normalization as trained (Ioffe and Szegedy 2015, algorithm 1): each channel with the statistics of the batch,
    /// through which the gradient flows too.
    /// </summary>
    /// <param name="x">[B, C, ...]</param>
    /// <param name="gamma">[C]</param>
    /// <param name="beta">[C]</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>
    /// y of x's shape; mean and variance of the batch [C], from which running statistics are made: the variance is divided by
    /// the number of elements. They have no gradient.
    /// </returns>
    /// <exception cref="ShapeException">gamma or beta is not [C], or a channel has no elements.</exception>
    public static (Variable Y, Tensor Mean, Tensor Variance) BatchNormTraining(Variable x, Variable gamma, Variable beta, float epsilon = 1e-5f)
    {
        x = Tape.Widen(x);
        var (y, mean, variance, rstd) = Normalization.BatchNorm(x.Value, gamma.Value, beta.Value, epsilon);
        Variable result = Tape.Record(
            y,
            [x, gamma, beta],
            dy => Normalization.BatchNormGradient(dy, x.Value, gamma.Value, mean, rstd),
            saved: [rstd]);
        return (Tape.Narrow(result), mean, variance);
    }

    /// <summary>e^x along an axis, divided by its sum.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable Softmax(Variable x, int axis = -1)
    {
        x = Tape.Widen(x);
        Tensor y = Normalization.Softmax(x.Value, axis);
        return Tape.Record(y, [x], dy => Normalization.SoftmaxGradient(y, dy, axis));
    }

    /// <summary>The logarithm of <see cref="Softmax"/>, computed without overflow.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable LogSoftmax(Variable x, int axis = -1)
    {
        x = Tape.Widen(x);
        Tensor y = Normalization.LogSoftmax(x.Value, axis);
        return Tape.Record(y, [x], dy => Normalization.LogSoftmaxGradient(y, dy, axis));
    }
}
