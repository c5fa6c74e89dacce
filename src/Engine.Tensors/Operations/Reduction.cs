namespace Engine.Tensors;

/// <summary>Folds over axes. No axes given means all of them; axes may count from the end. Folds of 16-bit elements are float32.</summary>
public static class Reduction
{
    /// <summary>Fold of x over some axes by any <see cref="IReduction"/>.</summary>
    /// <param name="op">The fold.</param>
    /// <param name="x">Floats, any strides.</param>
    /// <param name="axes">Which axes disappear; empty for all.</param>
    /// <param name="keepAxes">True leaves them with extent 1.</param>
    /// <exception cref="ShapeException">An axis does not exist or occurs twice, or x is no arithmetic type.</exception>
    public static Tensor Reduce<TOp>(TOp op, Tensor x, ReadOnlySpan<int> axes = default, bool keepAxes = false) where TOp : struct, IReduction
    {
        string name = typeof(TOp).Name;
        Require.Floating(name, x);
        Shape kept = Folded(x.Shape, axes, name);
        Tensor y = x.EmptyLike(kept, x.DType.Accumulated());
        if (y.ElementCount > 0)
        {
            if (x.ElementCount > 0) y.Backend.Reduce(op, x, y);
            else y.Backend.Fill(op.Start<Scalar64>().Value, y);
        }

        return keepAxes ? y : y.Reshape(Dropped(x.Shape, axes, name));
    }

    /// <summary>Sum over axes; 0 over none. Errors grow with the logarithm of the count.</summary>
    public static Tensor Sum(Tensor x, ReadOnlySpan<int> axes = default, bool keepAxes = false) => Reduce(default(Sum), x, axes, keepAxes);

    /// <summary>Sum of squares over axes.</summary>
    public static Tensor SumOfSquares(Tensor x, ReadOnlySpan<int> axes = default, bool keepAxes = false) => Reduce(default(SumOfSquares), x, axes, keepAxes);

    /// <summary>Mean over axes; NaN over none.</summary>
    public static Tensor Mean(Tensor x, ReadOnlySpan<int> axes = default, bool keepAxes = false)
    {
        Tensor sum = Sum(x, axes, keepAxes);
        Elementwise.MapInto(default(Divide), sum, Tensor.Scalar(CountFolded(x.Shape, axes, "Mean"), sum.DType, x.Device), sum);
        return sum;
    }

    /// <summary>Largest element over axes; NaN where there is one.</summary>
    /// <exception cref="ShapeException">There is nothing to compare.</exception>
    public static Tensor Max(Tensor x, ReadOnlySpan<int> axes = default, bool keepAxes = false)
    {
        RequireElements("Max", x, axes);
        return Reduce(default(Max), x, axes, keepAxes);
    }

    /// <summary>Smallest element over axes; NaN where there is one.</summary>
    /// <exception cref="ShapeException">There is nothing to compare.</exception>
    public static Tensor Min(Tensor x, ReadOnlySpan<int> axes = default, bool keepAxes = false)
    {
        RequireElements("Min", x, axes);
        return Reduce(default(Min), x, axes, keepAxes);
    }

    /// <summary>
    /// Variance over axes: squared distances from the mean, in two passes, divided by count - correction (1 for a sample, 0
    /// for a population). NaN or infinity where count is not above the correction, as in torch.
    /// </summary>
    public static Tensor Variance(Tensor x, ReadOnlySpan<int> axes = default, double correction = 1, bool keepAxes = false)
    {
        Require.Floating("Variance", x);
        if (x.DType.IsNarrow()) x = x.To(DType.Float32);
        Tensor mean = Mean(x, axes, keepAxes: true);
        Tensor squares = Elementwise.Map<SquaredError>(x, mean);
        Tensor sum = Sum(squares, axes, keepAxes);
        double degrees = Math.Max(0, CountFolded(x.Shape, axes, "Variance") - correction);
        Elementwise.MapInto(default(Divide), sum, Tensor.Scalar(degrees, x.DType, x.Device), sum);
        squares.Release();
        mean.Release();
        return sum;
    }

    /// <summary>
    /// Undoes broadcasting: x summed over the axes along which a tensor of the given shape was stretched to x's shape. The
    /// gradient of every operation that broadcasts.
    /// </summary>
    /// <exception cref="ShapeException">The shape does not stretch to x's.</exception>
    public static Tensor SumTo(Tensor x, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Shape == shape) return x;
        int added = x.Rank - shape.Rank;
        List<int> axes = [];
        for (int axis = 0; axis < x.Rank; axis++)
        {
            int target = axis < added ? 1 : shape[axis - added];
            if (added < 0 || (target != x.Shape[axis] && target != 1))
                throw new ShapeException($"SumTo: {shape} does not stretch to {x.Shape}.");
            if (target != x.Shape[axis]) axes.Add(axis);
        }

        return axes.Count == 0 ? x.Reshape(shape) : Sum(x, axes.ToArray(), keepAxes: true).Reshape(shape);
    }

    /// <summary>The place (int32) of the largest element along an axis, the first of several; a NaN counts as largest.</summary>
    public static Tensor ArgMax(Tensor x, int axis = -1, bool keepAxis = false) => ArgReduce(true, x, axis, keepAxis, "ArgMax");

    /// <summary>The place (int32) of the smallest element along an axis, the first of several; a NaN counts as smallest.</summary>
    public static Tensor ArgMin(Tensor x, int axis = -1, bool keepAxis = false) => ArgReduce(false, x, axis, keepAxis, "ArgMin");

    /// <summary>The largest elements along an axis and their places (int32), which a gradient scatters to.</summary>
    public static (Tensor Values, Tensor Indices) MaxWithIndex(Tensor x, int axis = -1, bool keepAxis = false) => Extreme(true, x, axis, keepAxis);

    /// <summary>The smallest elements along an axis and their places (int32).</summary>
    public static (Tensor Values, Tensor Indices) MinWithIndex(Tensor x, int axis = -1, bool keepAxis = false) => Extreme(false, x, axis, keepAxis);

    /// <summary>The k largest along an axis in falling order, ties by place, and their places (int32).</summary>
    /// <exception cref="ShapeException">k is negative or above the extent.</exception>
    public static (Tensor Values, Tensor Indices) TopK(Tensor x, int k, int axis = -1)
    {
        Require.Floating("TopK", x);
        axis = x.Shape.Axis(axis, "TopK");
        if (x.Rank == 0 || k < 0 || k > x.Shape[axis]) throw new ShapeException($"TopK: k = {k} does not fit axis {axis} of {x.Shape}.");
        Tensor rows = RowsAlong(x, axis, out Shape moved);
        Tensor values = x.EmptyLike([rows.Shape[0], k]), indices = x.EmptyLike([rows.Shape[0], k], DType.Int32);
        if (values.ElementCount > 0) x.Backend.TopK(rows, k, values, indices);
        Shape shape = moved.With(x.Rank - 1, k);
        return (MoveBack(values.Reshape(shape), axis), MoveBack(indices.Reshape(shape), axis));
    }

    /// <summary>Running sums along an axis.</summary>
    public static Tensor CumulativeSum(Tensor x, int axis = -1)
    {
        Require.Floating("CumulativeSum", x);
        if (x.DType.IsNarrow()) x = x.To(DType.Float32);
        axis = x.Shape.Axis(axis, "CumulativeSum");
        if (x.Rank == 0 || x.ElementCount == 0) return x.Clone();
        Tensor rows = RowsAlong(x, axis, out Shape moved), y = rows.EmptyLike();
        x.Backend.CumulativeSum(rows, y);
        return MoveBack(y.Reshape(moved), axis);
    }

    static Tensor ArgReduce(bool largest, Tensor x, int axis, bool keepAxis, string operation)
    {
        Require.Floating(operation, x);
        axis = x.Shape.Axis(axis, operation);
        if (x.Rank == 0 || x.Shape[axis] == 0) throw new ShapeException($"{operation}: nothing to compare along axis {axis} of {x.Shape}.");
        Tensor rows = RowsAlong(x, axis, out _), y = x.EmptyLike([rows.Shape[0]], DType.Int32);
        if (y.ElementCount > 0) x.Backend.ArgReduce(largest, rows, y);
        return y.Reshape(keepAxis ? x.Shape.With(axis, 1) : x.Shape.Without(axis));
    }

    static (Tensor, Tensor) Extreme(bool largest, Tensor x, int axis, bool keepAxis)
    {
        Tensor indices = ArgReduce(largest, x, axis, keepAxis: true, largest ? "MaxWithIndex" : "MinWithIndex");
        Tensor values = Indexing.Gather(x, axis, indices);
        axis = x.Shape.Axis(axis, "MaxWithIndex");
        return keepAxis ? (values, indices) : (values.Squeeze(axis), indices.Squeeze(axis));
    }

    // x with one axis moved to the end, as a dense matrix of rows along it.
    static Tensor RowsAlong(Tensor x, int axis, out Shape moved)
    {
        int[] order = new int[x.Rank];
        for (int i = 0; i < x.Rank - 1; i++) order[i] = i < axis ? i : i + 1;
        order[^1] = axis;
        Tensor turned = x.Permute(order).Contiguous();
        moved = turned.Shape;
        int length = moved[^1];
        return turned.Reshape(Shape.Create([(int)(length == 0 ? 0 : turned.ElementCount / length), length]));
    }

    static Tensor MoveBack(Tensor x, int axis)
    {
        int[] order = new int[x.Rank];
        for (int i = 0; i < x.Rank; i++) order[i] = i < axis ? i : i == axis ? x.Rank - 1 : i - 1;
        return x.Permute(order);
    }

    static Shape Folded(Shape shape, ReadOnlySpan<int> axes, string operation)
    {
        int[] extents = shape.AsSpan().ToArray();
        if (axes.IsEmpty) Array.Fill(extents, 1);
        bool[] seen = new bool[shape.Rank];
        foreach (int given in axes)
        {
            int axis = shape.Axis(given, operation);
            if (shape.Rank == 0) break;
            if (seen[axis]) throw new ShapeException($"{operation}: axis {axis} occurs twice.");
            (seen[axis], extents[axis]) = (true, 1);
        }

        return Shape.Create(extents);
    }

    static Shape Dropped(Shape shape, ReadOnlySpan<int> axes, string operation)
    {
        if (axes.IsEmpty || shape.Rank == 0) return [];
        bool[] folded = new bool[shape.Rank];
        foreach (int axis in axes) folded[shape.Axis(axis, operation)] = true;
        List<int> kept = [];
        for (int axis = 0; axis < shape.Rank; axis++)
            if (!folded[axis]) kept.Add(shape[axis]);
        return Shape.Create(kept.ToArray());
    }

    static long CountFolded(Shape shape, ReadOnlySpan<int> axes, string operation)
    {
        if (axes.IsEmpty) return shape.ElementCount;
        long count = 1;
        foreach (int axis in axes) count *= shape.Rank == 0 ? 1 : shape[shape.Axis(axis, operation)];
        return count;
    }

    static void RequireElements(string operation, Tensor x, ReadOnlySpan<int> axes)
    {
        Require.Floating(operation, x);
        if (CountFolded(x.Shape, axes, operation) == 0) throw new ShapeException($"{operation}: nothing to compare in {x.Shape}.");
    }
}
