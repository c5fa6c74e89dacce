using Engine.Tensors;

namespace Engine.Autograd;

// Other looks at the same memory. Their gradients are views too, wherever no element was left out or repeated.
public static partial class Functions
{
    /// <summary>The same elements in row-major order under another shape; one extent may be -1 and is then computed.</summary>
    /// <exception cref="ShapeException">The element counts differ.</exception>
    public static Variable Reshape(Variable x, params ReadOnlySpan<int> shape) =>
        Tape.Record(x.Value.Reshape(shape), [x], dy => dy.Reshape(x.Shape));

    /// <inheritdoc cref="Reshape(Variable, ReadOnlySpan{int})"/>
    public static Variable Reshape(Variable x, Shape shape) =>
        Tape.Record(x.Value.Reshape(shape), [x], dy => dy.Reshape(x.Shape));

    /// <summary>The axes in another order: axis i of the result is axis axes[i] of x.</summary>
    /// <exception cref="ShapeException">axes is not a permutation of x's axes.</exception>
    public static Variable Permute(Variable x, params ReadOnlySpan<int> axes)
    {
        Tensor y = x.Value.Permute(axes);
        int[] inverse = new int[axes.Length];
        for (int i = 0; i < axes.Length; i++) inverse[x.Shape.Axis(axes[i], "Permute")] = i;
        return Tape.Record(y, [x], dy => dy.Permute(inverse));
    }

    /// <summary>Two axes exchanged.</summary>
    public static Variable Transpose(Variable x, int first = -2, int second = -1) =>
        Tape.Record(x.Value.Transpose(first, second), [x], dy => dy.Transpose(first, second));

    /// <summary>The elements start, start + step, ... below stop along one axis. start and stop may count from the end.</summary>
    /// <exception cref="ShapeException">The range leaves the axis or step is not positive.</exception>
    public static Variable Slice(Variable x, int axis, int start, int stop, int step = 1)
    {
        axis = x.Shape.Axis(axis, "Slice");
        int extent = x.Shape[axis];
        if (start < 0) start += extent;
        if (stop < 0) stop += extent;
        return Tape.Record(x.Value.Slice(axis, start, stop, step), [x], dy => Place(dy, x.Value, axis, start, step));
    }

    /// <summary>One index along one axis, which disappears; a negative index counts from the end.</summary>
    /// <exception cref="ShapeException">There is no such index.</exception>
    public static Variable Select(Variable x, int axis, int index)
    {
        axis = x.Shape.Axis(axis, "Select");
        if (index < 0) index += x.Shape[axis];
        return Tape.Record(x.Value.Select(axis, index), [x], dy => Place(dy.Unsqueeze(axis), x.Value, axis, index, step: 1));
    }

    // Zeros of x's shape with the gradient of a slice in its place. Each element is written once: only what the slice left
    // out is set to zero.
    static Tensor Place(Tensor dy, Tensor x, int axis, int start, int step)
    {
        int count = dy.Shape[axis], extent = x.Shape[axis];
        if (count == 0 || step > 1) return PlaceStrided(dy, x, axis, start, step);
        Tensor dx = x.EmptyLike();
        Tensor inside = dx.Slice(axis, start, start + count);
        Clear(dx.Slice(axis, 0, start));
        inside.CopyFrom(dy);
        Clear(dx.Slice(axis, start + count, extent));
        return dx;
    }

    static Tensor PlaceStrided(Tensor dy, Tensor x, int axis, int start, int step)
    {
        Tensor dx = Tensor.Zeros(x.Shape, x.DType, x.Device);
        int count = dy.Shape[axis];
        if (count > 0) dx.Slice(axis, start, start + (count - 1) * step + 1, step).CopyFrom(dy);
        return dx;
    }

    static void Clear(Tensor part)
    {
        if (part.ElementCount > 0) part.Backend.Fill(0, part);
    }

    /// <summary>Stretched to a shape: axes align at the end, an extent of 1 repeats without a copy; -1 keeps an axis.</summary>
    /// <exception cref="ShapeException">The shape cannot be reached so.</exception>
    public static Variable Expand(Variable x, params ReadOnlySpan<int> shape)
    {
        int[] extents = shape.ToArray();
        int added = extents.Length - x.Rank;
        for (int axis = Math.Max(added, 0); axis < extents.Length; axis++)
            if (extents[axis] == -1) extents[axis] = x.Shape[axis - added];
        return Expand(x, Shape.Create(extents));
    }

    /// <inheritdoc cref="Expand(Variable, ReadOnlySpan{int})"/>
    public static Variable Expand(Variable x, Shape shape) =>
        Tape.Record(x.Value.Expand(shape), [x], dy => SumTo(dy, x));

    /// <summary>The given axes reversed.</summary>
    public static Variable Flip(Variable x, params ReadOnlySpan<int> axes)
    {
        int[] reversed = axes.ToArray();
        return Tape.Record(x.Value.Flip(reversed), [x], dy => dy.Flip(reversed));
    }

    /// <summary>Without one axis of extent 1.</summary>
    /// <exception cref="ShapeException">The extent is not 1.</exception>
    public static Variable Squeeze(Variable x, int axis) =>
        Tape.Record(x.Value.Squeeze(axis), [x], dy => dy.Reshape(x.Shape));

    /// <summary>With an axis of extent 1 inserted before the given place; -1 appends.</summary>
    /// <exception cref="ShapeException">There is no such place.</exception>
    public static Variable Unsqueeze(Variable x, int axis) =>
        Tape.Record(x.Value.Unsqueeze(axis), [x], dy => dy.Reshape(x.Shape));
}
