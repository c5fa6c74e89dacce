using Engine.Tensors;

namespace Engine.Autograd;

// Folds over axes. Axes may count from the end; none given means all; keepAxes leaves folded axes as extents of 1.
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
            Elementwise.Map(new Scale(share), dy.Reshape(kept)).Expand(x.Shape));
    }

    /// <summary>The largest element; where several are, they share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static Variable Max(Variable x, int[]? axes = null, bool keepAxes = false) =>
        Extreme(x, Reduction.Max(x.Value, axes, keepAxes), Kept(x.Shape, axes, "Max"), "Max");

    /// <summary>The smallest element; where several are, they share the gradient evenly.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static Variable Min(Variable x, int[]? axes = null, bool keepAxes = false) =>
        Extreme(x, Reduction.Min(x.Value, axes, keepAxes), Kept(x.Shape, axes, "Min"), "Min");

    static Variable Extreme(Variable x, Tensor y, Shape kept, string operation) =>
        Tape.Record(
            y,
            [x],
            dy =>
            {
                Tensor chosen = Elementwise.Equal(x.Value, y.Reshape(kept));
                Tensor count = Reduction.SumTo(chosen.To(dy.DType), kept);
                Tensor share = Elementwise.Map(new Divide(), dy.Reshape(kept), count);
                return Elementwise.Select(chosen, share, Tensor.Scalar(0, dy.DType, dy.Device));
            },
            operation: operation);

    /// <summary>The mean squared distance from the mean, divided by n - correction instead of n.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="axes">What to fold; null for all.</param>
    /// <param name="correction">1 estimates the variance of a population from a sample, 0 is that of the elements.</param>
    /// <param name="keepAxes">Leave folded axes as extents of 1.</param>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable Variance(Variable x, int[]? axes = null, int correction = 1, bool keepAxes = false)
    {
        Shape kept = Kept(x.Shape, axes, "Variance");
        Tensor mean = Reduction.Mean(x.Value, axes, keepAxes: true);
        Tensor y = VarianceAbout(mean, x.Value, axes, correction, keepAxes);
        float share = 2 / Freedom(x.Shape, kept, correction);
        return Tape.Record(
            y,
            [x],
            dy => Elementwise.Map(
                new Multiply(),
                Elementwise.Map(new Subtract(), x.Value, mean),
                Elementwise.Map(new Scale(share), dy.Reshape(kept))),
            saved: [mean]);
    }

    /// <summary>The square root of <see cref="Variance"/>; where it is 0 the gradient is 0.</summary>
    /// <inheritdoc cref="Variance"/>
    public static Variable StandardDeviation(Variable x, int[]? axes = null, int correction = 1, bool keepAxes = false)
    {
        Shape kept = Kept(x.Shape, axes, "StandardDeviation");
        Tensor mean = Reduction.Mean(x.Value, axes, keepAxes: true);
        Tensor y = Elementwise.Map(new SquareRoot(), VarianceAbout(mean, x.Value, axes, correction, keepAxes));
        float share = 1 / Freedom(x.Shape, kept, correction);
        return Tape.Record(
            y,
            [x],
            dy =>
            {
                Tensor zero = Tensor.Scalar(0, dy.DType, dy.Device);
                Tensor ratio = Elementwise.Map(new Divide(), Elementwise.Map(new Scale(share), dy), y);
                ratio = Elementwise.Select(Elementwise.Equal(y, zero), zero, ratio);
                return Elementwise.Map(new Multiply(), Elementwise.Map(new Subtract(), x.Value, mean), ratio.Reshape(kept));
            },
            saved: [mean]);
    }

    static Tensor VarianceAbout(Tensor mean, Tensor x, int[]? axes, int correction, bool keepAxes)
    {
        using StepScope temporaries = StepScope.Begin();
        Tensor squares = Elementwise.Map(new Square(), Elementwise.Map(new Subtract(), x, mean));
        Tensor sum = Reduction.Sum(squares, axes, keepAxes);
        return temporaries.Keep(Elementwise.Map(new Scale(1 / Freedom(x.Shape, mean.Shape, correction)), sum));
    }

    static float Freedom(Shape x, Shape kept, int correction) =>
        Math.Max((float)x.ElementCount / kept.ElementCount - correction, 0);

    /// <summary>The largest element along an axis and its place (int32); the first of several.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static (Variable Values, Tensor Index) MaxWithIndex(Variable x, int axis) =>
        Chosen(x, axis, Reduction.ArgMax(x.Value, axis), "MaxWithIndex");

    /// <summary>The smallest element along an axis and its place (int32); the first of several.</summary>
    /// <exception cref="ShapeException">There is no such axis, or nothing to choose from.</exception>
    public static (Variable Values, Tensor Index) MinWithIndex(Variable x, int axis) =>
        Chosen(x, axis, Reduction.ArgMin(x.Value, axis), "MinWithIndex");

    static (Variable Values, Tensor Index) Chosen(Variable x, int axis, Tensor index, string operation)
    {
        axis = x.Shape.Axis(axis, operation);
        Tensor places = index.Unsqueeze(axis);
        Variable values = Tape.Record(
            Indexing.Gather(x.Value, axis, places).Squeeze(axis),
            [x],
            dy => Indexing.ScatterAdd(Tensor.Zeros(x.Shape, dy.DType, dy.Device), axis, places, dy.Unsqueeze(axis)),
            operation: operation);
        return (values, index);
    }

    /// <summary>The k largest elements along an axis in falling order, and their places (int32).</summary>
    /// <exception cref="ShapeException">There is no such axis, or it is shorter than k.</exception>
    public static (Variable Values, Tensor Index) TopK(Variable x, int k, int axis = -1)
    {
        axis = x.Shape.Axis(axis, "TopK");
        (Tensor values, Tensor index) = Reduction.TopK(x.Value, k, axis);
        return (Tape.Record(values, [x], dy => Indexing.ScatterAdd(Tensor.Zeros(x.Shape, dy.DType, dy.Device), axis, index, dy)), index);
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
        if (axes is null) Array.Fill(kept, 1);
        else foreach (int axis in axes) if (shape.Rank > 0) kept[shape.Axis(axis, operation)] = 1;
        return Shape.Create(kept);
    }
}
