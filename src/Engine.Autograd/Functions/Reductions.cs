using Engine.Tensors;

namespace Engine.Autograd;

// Folds over axes, which are float32 for 16-bit elements. Axes may count from the end; null or none means all; keepAxes leaves folded axes as extents of 1.
public static partial class Functions
{
    /// <summary>The sum.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable Sum(Variable x, int[]? axes = null, bool keepAxes = false)
    {
        Shape kept = Kept(x.Shape, axes, "Sum");
        return Tape.Record(Reduction.Sum(x.Value, axes, keepAxes), [x], dy => dy.Reshape(kept).Expand(x.Shape));
    }

    /// <summary>The mean.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable Mean(Variable x, int[]? axes = null, bool keepAxes = false)
    {
        Shape kept = Kept(x.Shape, axes, "Mean");
        float share = (float)kept.ElementCount / x.Value.ElementCount;
        return Tape.Record(Reduction.Mean(x.Value, axes, keepAxes), [x], dy =>
            (share * dy.Reshape(kept)).Expand(x.Shape));
    }

    /// <summary>The largest element; where several are, they share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static Variable Max(Variable x, int[]? axes = null, bool keepAxes = false) =>
        Extreme(x, Reduction.Max(x.Value, axes, keepAxes), Kept(x.Shape, axes, "Max"), "Max");

    /// <summary>The smallest element; where several are, they share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static Variable Min(Variable x, int[]? axes = null, bool keepAxes = false) =>
        Extreme(x, Reduction.Min(x.Value, axes, keepAxes), Kept(x.Shape, axes, "Min"), "Min");

    static Variable Extreme(Variable x, Tensor y, Shape kept, string operation)
    {
        x = Tape.Widen(x);
        return Tape.Record(
            y,
            [x],
            dy =>
            {
                Tensor chosen = Elementwise.Compare(Comparison.Equal, x.Value, y.Reshape(kept));
                Tensor share = dy.Reshape(kept) / Reduction.SumTo(chosen.To(dy.DType), kept);
                return Elementwise.Select(chosen, share, Tensor.Scalar(0, dy.DType, dy.Device));
            },
            operation: operation);
    }

    /// <summary>The mean squared distance from the mean, divided by n - correction instead of n.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="axes">What to fold; null for all.</param>
    /// <param name="correction">1 estimates the variance of a population from a sample, 0 is that of the elements.</param>
    /// <param name="keepAxes">Leave folded axes as extents of 1.</param>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable Variance(Variable x, int[]? axes = null, float correction = 1, bool keepAxes = false)
    {
        x = Tape.Widen(x);
        Shape kept = Kept(x.Shape, axes, "Variance");
        float share = 2 / Freedom(x.Shape, kept, correction);
        return Tape.Record(Reduction.Variance(x.Value, axes, correction, keepAxes), [x], dy =>
            (x.Value - Reduction.Mean(x.Value, axes, keepAxes: true)) * (share * dy.Reshape(kept)));
    }

    /// <summary>The square root of <see cref="Variance"/>; where it is 0 the gradient is 0.</summary>
    /// <inheritdoc cref="Variance"/>
    public static Variable StandardDeviation(Variable x, int[]? axes = null, float correction = 1, bool keepAxes = false)
    {
        x = Tape.Widen(x);
        Shape kept = Kept(x.Shape, axes, "StandardDeviation");
        float share = 1 / Freedom(x.Shape, kept, correction);
        Tensor y = StepScope.Run(() => Elementwise.Map(new SquareRoot(), Reduction.Variance(x.Value, axes, correction, keepAxes)));
        return Tape.Record(y, [x], dy =>
        {
            Tensor zero = Tensor.Scalar(0, dy.DType, dy.Device);
            Tensor ratio = Elementwise.MaskedFill(share * dy / y, Elementwise.Compare(Comparison.Equal, y, zero), 0);
            return (x.Value - Reduction.Mean(x.Value, axes, keepAxes: true)) * ratio.Reshape(kept);
        });
    }

    static float Freedom(Shape x, Shape kept, float correction) =>
        Math.Max((float)x.ElementCount / kept.ElementCount - correction, 0);

    /// <summary>The largest element along an axis and its place (int32); the first of several.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static (Variable Values, Tensor Index) MaxWithIndex(Variable x, int axis) =>
        Chosen(x, axis, Reduction.MaxWithIndex(x.Value, axis), "MaxWithIndex");

    /// <summary>The smallest element along an axis and its place (int32); the first of several.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static (Variable Values, Tensor Index) MinWithIndex(Variable x, int axis) =>
        Chosen(x, axis, Reduction.MinWithIndex(x.Value, axis), "MinWithIndex");

    static (Variable Values, Tensor Index) Chosen(Variable x, int axis, (Tensor Values, Tensor Index) chosen, string operation)
    {
        axis = x.Shape.Axis(axis, operation);
        Variable values = Tape.Record(
            chosen.Values,
            [x],
            dy => Indexing.ScatterAdd(ZerosOf(x, dy), axis, chosen.Index.Unsqueeze(axis), dy.Unsqueeze(axis)),
            operation: operation);
        return (values, chosen.Index);
    }

    /// <summary>The k largest elements along an axis in falling order, and their places (int32).</summary>
    /// <exception cref="ShapeException">There is no such axis, or it is shorter than k.</exception>
    public static (Variable Values, Tensor Index) TopK(Variable x, int k, int axis = -1)
    {
        axis = x.Shape.Axis(axis, "TopK");
        (Tensor values, Tensor index) = Reduction.TopK(x.Value, k, axis);
        return (Tape.Record(values, [x], dy => Indexing.ScatterAdd(ZerosOf(x, dy), axis, index, dy)), index);
    }

    /// <summary>The sums of the first 1, 2, 3, ... elements along an axis.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable CumulativeSum(Variable x, int axis) =>
        Tape.Record(Reduction.CumulativeSum(x.Value, axis), [x], dy => Reduction.CumulativeSum(dy.Flip(axis), axis).Flip(axis));

    /// <summary>The place (int32) of the largest element along an axis; the first of several.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static Tensor ArgMax(Variable x, int axis) => Reduction.ArgMax(x.Value, axis);

    /// <summary>The place (int32) of the smallest element along an axis; the first of several.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static Tensor ArgMin(Variable x, int axis) => Reduction.ArgMin(x.Value, axis);

    // The shape with folded axes left as 1.
    static Shape Kept(Shape shape, int[]? axes, string operation)
    {
        int[] kept = shape.AsSpan().ToArray();
        if (axes is null or []) Array.Fill(kept, 1);
        else foreach (int axis in axes) if (shape.Rank > 0) kept[shape.Axis(axis, operation)] = 1;
        return Shape.Create(kept);
    }
}
