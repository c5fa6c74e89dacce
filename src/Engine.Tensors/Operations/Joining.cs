namespace Engine.Tensors;

/// <summary>Putting tensors together, taking them apart, and moving their elements along axes. Any element type.</summary>
public static class Joining
{
    /// <summary>Tensors one after another along an axis; their other extents are equal.</summary>
    /// <exception cref="ShapeException">There is none, or shapes or element types do not fit.</exception>
    public static Tensor Concatenate(int axis, params ReadOnlySpan<Tensor> tensors)
    {
        if (tensors.IsEmpty) throw new ShapeException("Concatenate: no tensors given.");
        Tensor first = tensors[0];
        axis = first.Shape.Axis(axis, "Concatenate");
        if (first.Rank == 0) throw new ShapeException("Concatenate: tensors of shape [] have no axis; use Stack.");
        long total = 0;
        foreach (Tensor tensor in tensors)
        {
            Require.Alike("Concatenate", first, tensor);
            if (tensor.Rank != first.Rank || tensor.Shape.With(axis, 0) != first.Shape.With(axis, 0))
                throw new ShapeException($"Concatenate: {tensor.Shape} does not fit {first.Shape} along axis {axis}.");
            total += tensor.Shape[axis];
        }

        Tensor y = first.EmptyLike(first.Shape.With(axis, checked((int)total)));
        int at = 0;
        foreach (Tensor tensor in tensors)
        {
            y.Slice(axis, at, at + tensor.Shape[axis]).CopyFrom(tensor);
            at += tensor.Shape[axis];
        }

        return y;
    }

    /// <summary>Tensors of one shape side by side along a new axis; -1 appends it.</summary>
    public static Tensor Stack(int axis, params ReadOnlySpan<Tensor> tensors)
    {
        if (tensors.IsEmpty) throw new ShapeException("Stack: no tensors given.");
        Tensor[] raised = new Tensor[tensors.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i].Shape != tensors[0].Shape)
                throw new ShapeException($"Stack: {tensors[i].Shape} differs from {tensors[0].Shape}.");
            raised[i] = tensors[i].Unsqueeze(axis);
        }

        return Concatenate(axis < 0 ? axis + raised[0].Rank : axis, raised);
    }

    /// <summary>Views of consecutive lengths along an axis.</summary>
    /// <exception cref="ShapeException">The lengths do not add up to the extent.</exception>
    public static Tensor[] Split(Tensor x, int axis, params ReadOnlySpan<int> lengths)
    {
        ArgumentNullException.ThrowIfNull(x);
        axis = x.Shape.Axis(axis, "Split");
        Tensor[] parts = new Tensor[lengths.Length];
        int at = 0;
        for (int i = 0; i < lengths.Length; i++) parts[i] = x.Slice(axis, at, at += lengths[i]);
        if (at != x.Shape[axis])
            throw new ShapeException($"Split: lengths [{string.Join(", ", lengths.ToArray())}] do not add up to axis {axis} of {x.Shape}.");
        return parts;
    }

    /// <summary>x with a border of one value.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="pads">Pairs (before, after), the last axis first, as in torch; negative ones cut off.</param>
    /// <param name="value">What the border holds.</param>
    public static Tensor Pad(Tensor x, ReadOnlySpan<int> pads, double value = 0)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (pads.Length % 2 != 0 || pads.Length > 2 * x.Rank)
            throw new ShapeException($"Pad: {pads.Length} pads given for {x.Shape}; pairs are expected, at most one for each axis.");
        int[] extents = x.Shape.AsSpan().ToArray();
        Tensor source = x;
        for (int i = 0; i < pads.Length; i += 2)
        {
            int axis = x.Rank - 1 - i / 2;
            extents[axis] += pads[i] + pads[i + 1];
            if (extents[axis] < 0)
                throw new ShapeException($"Pad: pads ({pads[i]}, {pads[i + 1]}) leave nothing of axis {axis} of {x.Shape}.");
            int begin = Math.Max(0, -pads[i]), end = x.Shape[axis] + Math.Min(0, pads[i + 1]);
            source = source.Slice(axis, Math.Min(begin, x.Shape[axis]), Math.Max(end, Math.Min(begin, x.Shape[axis])));
        }

        Tensor y = Tensor.Full(Shape.Create(extents), value, x.DType, x.Device), target = y;
        for (int i = 0; i < pads.Length; i += 2)
        {
            int axis = x.Rank - 1 - i / 2, begin = Math.Max(0, pads[i]);
            begin = Math.Min(begin, y.Shape[axis]);
            target = target.Slice(axis, begin, Math.Min(y.Shape[axis], begin + source.Shape[axis]));
        }

        target.CopyFrom(source);
        return y;
    }

    /// <summary>x moved cyclically: what leaves an axis at its end comes back at its beginning.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="shifts">How far, for each of the axes; negative moves toward the beginning.</param>
    /// <param name="axes">Which axes.</param>
    public static Tensor Roll(Tensor x, ReadOnlySpan<int> shifts, ReadOnlySpan<int> axes)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (shifts.Length != axes.Length)
            throw new ShapeException($"Roll: {shifts.Length} shifts given for {axes.Length} axes.");
        Tensor result = x;
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = x.Shape.Axis(axes[i], "Roll"), extent = x.Rank == 0 ? 0 : x.Shape[axis];
            if (extent == 0) continue;
            int shift = ((shifts[i] % extent) + extent) % extent;
            if (shift == 0) continue;
            result = Concatenate(axis, result.Slice(axis, extent - shift, extent), result.Slice(axis, 0, extent - shift));
        }

        return result == x ? x.Clone() : result;
    }

    /// <summary>x laid side by side, so often along each axis; more counts than axes add axes in front.</summary>
    public static Tensor Repeat(Tensor x, params ReadOnlySpan<int> counts)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (counts.Length < x.Rank) throw new ShapeException($"Repeat: {counts.Length} counts given for {x.Shape}.");
        int added = counts.Length - x.Rank;
        int[] pairs = new int[2 * counts.Length], single = new int[2 * counts.Length], result = new int[counts.Length];
        for (int axis = 0; axis < counts.Length; axis++)
        {
            int extent = axis < added ? 1 : x.Shape[axis - added];
            (pairs[2 * axis], pairs[2 * axis + 1]) = (counts[axis], extent);
            (single[2 * axis], single[2 * axis + 1]) = (1, extent);
            result[axis] = counts[axis] * extent;
        }

        Tensor y = x.EmptyLike(Shape.Create(pairs));
        y.CopyFrom(x.Reshape(Shape.Create(single)));
        return y.Reshape(Shape.Create(result));
    }

    /// <summary>Every slice along an axis so often in a row: [a, b] becomes [a, a, b, b].</summary>
    public static Tensor RepeatInterleave(Tensor x, int count, int axis)
    {
        ArgumentNullException.ThrowIfNull(x);
        axis = x.Shape.Axis(axis, "RepeatInterleave");
        Shape shape = x.Shape;
        Tensor y = x.EmptyLike([.. shape.AsSpan()[..(axis + 1)], count, .. shape.AsSpan()[(axis + 1)..]]);
        y.CopyFrom(x.Unsqueeze(axis + 1));
        return y.Reshape(shape.With(axis, checked(shape[axis] * count)));
    }
}
