namespace Engine.Tensors;

/// <summary>Other looks at the same memory.</summary>
public sealed partial class Tensor
{
    /// <summary>The same elements in row-major order under another shape; one extent may be -1 and is then computed.</summary>
    /// <returns>A view where the strides allow it, else a dense copy.</returns>
    /// <exception cref="ShapeException">The element counts differ.</exception>
    public Tensor Reshape(params ReadOnlySpan<int> shape) => Reshape(ResolveShape(shape));

    /// <inheritdoc cref="Reshape(ReadOnlySpan{int})"/>
    public Tensor Reshape(Shape shape)
    {
        if (shape == Shape) return this;
        if (shape.ElementCount != ElementCount)
            throw new ShapeException($"Reshape: {Shape} has {ElementCount} elements, {shape} has {shape.ElementCount}.");
        if (IsContiguous) return new(Storage, DType, shape, shape.DenseStrides(), Offset);
        return TryViewStrides(shape) is { } viewed ? new(Storage, DType, shape, viewed, Offset) : Contiguous().Reshape(shape);
    }

    Shape ResolveShape(ReadOnlySpan<int> shape)
    {
        int open = shape.IndexOf(-1);
        if (open < 0) return Shape.Create(shape);
        long rest = 1;
        for (int i = 0; i < shape.Length; i++)
            if (i != open) rest *= shape[i];
        if (rest <= 0 || ElementCount % rest != 0)
            throw new ShapeException($"Reshape: {Shape} does not fit [{string.Join(", ", shape.ToArray())}].");
        int[] resolved = shape.ToArray();
        resolved[open] = (int)(ElementCount / rest);
        return Shape.Create(resolved);
    }

    // Groups of axes whose elements lie evenly spaced merge and split freely; a new axis may not straddle two groups.
    int[]? TryViewStrides(Shape shape)
    {
        int[] result = new int[shape.Rank];
        int axis = Rank - 1, target = shape.Rank - 1;
        while (axis >= 0)
        {
            long group = Shape[axis];
            int stride = strides[axis];
            long spacing = (long)stride * Shape[axis];
            axis--;
            while (axis >= 0 && (Shape[axis] == 1 || strides[axis] == spacing))
            {
                group *= Shape[axis];
                if (Shape[axis] != 1) spacing *= Shape[axis];
                axis--;
            }

            long covered = 1;
            while (target >= 0 && (covered < group || shape[target] == 1))
            {
                result[target] = (int)(stride * covered);
                covered *= shape[target];
                target--;
            }

            if (covered != group) return null;
        }

        return target < 0 ? result : null;
    }

    /// <summary>The axes in another order: axis i of the result is axis axes[i] of this tensor.</summary>
    /// <exception cref="ShapeException">axes is not a permutation of this tensor's axes.</exception>
    public Tensor Permute(params ReadOnlySpan<int> axes)
    {
        if (axes.Length != Rank) throw new ShapeException($"Permute: {axes.Length} axes given for shape {Shape}.");
        int[] extents = new int[Rank], moved = new int[Rank];
        bool[] seen = new bool[Rank];
        for (int i = 0; i < Rank; i++)
        {
            int axis = Shape.Axis(axes[i], "Permute");
            if (seen[axis]) throw new ShapeException($"Permute: axis {axis} occurs twice.");
            seen[axis] = true;
            (extents[i], moved[i]) = (Shape[axis], strides[axis]);
        }

        return new(Storage, DType, Shape.Create(extents), moved, Offset);
    }

    /// <summary>Two axes exchanged.</summary>
    public Tensor Transpose(int first = -2, int second = -1)
    {
        int[] axes = [.. Enumerable.Range(0, Rank)];
        (first, second) = (Shape.Axis(first, "Transpose"), Shape.Axis(second, "Transpose"));
        (axes[first], axes[second]) = (axes[second], axes[first]);
        return Permute(axes);
    }

    /// <summary>The elements start, start + step, ... below stop along one axis.</summary>
    /// <exception cref="ShapeException">The range leaves the axis or step is not positive.</exception>
    public Tensor Slice(int axis, int start, int stop, int step = 1)
    {
        axis = Shape.Axis(axis, "Slice");
        if (step < 1 || start < 0 || stop < start || stop > Shape[axis])
            throw new ShapeException($"Slice: {start}..{stop} step {step} does not fit axis {axis} of {Shape}.");
        int[] moved = [.. strides];
        moved[axis] *= step;
        return new(Storage, DType, Shape.With(axis, (stop - start + step - 1) / step), moved, Offset + (long)start * strides[axis]);
    }

    /// <summary>One index along one axis, which disappears.</summary>
    public Tensor Select(int axis, int index)
    {
        axis = Shape.Axis(axis, "Select");
        if (index < 0) index += Shape[axis];
        return Slice(axis, index, index + 1).Squeeze(axis);
    }

    /// <summary>Stretched to a shape: axes align at the end, an extent of 1 repeats without a copy.</summary>
    /// <exception cref="ShapeException">The shape cannot be reached so.</exception>
    public Tensor Expand(Shape shape)
    {
        if (shape == Shape) return this;
        int added = shape.Rank - Rank;
        int[] stretched = new int[shape.Rank];
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            int extent = axis < added ? 1 : Shape[axis - added];
            if (added < 0 || (extent != shape[axis] && extent != 1))
                throw new ShapeException($"Expand: {Shape} does not stretch to {shape}.");
            stretched[axis] = axis < added || extent != shape[axis] ? 0 : strides[axis - added];
        }

        return new(Storage, DType, shape, stretched, Offset);
    }

    /// <summary>The given axes reversed.</summary>
    public Tensor Flip(params ReadOnlySpan<int> axes)
    {
        int[] reversed = [.. strides];
        long offset = Offset;
        foreach (int given in axes)
        {
            int axis = Shape.Axis(given, "Flip");
            offset += (long)reversed[axis] * Math.Max(Shape[axis] - 1, 0);
            reversed[axis] = -reversed[axis];
        }

        return new(Storage, DType, Shape, reversed, offset);
    }

    /// <summary>Without one axis of extent 1.</summary>
    /// <exception cref="ShapeException">The extent is not 1.</exception>
    public Tensor Squeeze(int axis)
    {
        axis = Shape.Axis(axis, "Squeeze");
        if (Shape[axis] != 1) throw new ShapeException($"Squeeze: axis {axis} of {Shape} is not 1.");
        return new(Storage, DType, Shape.Without(axis), [.. strides[..axis], .. strides[(axis + 1)..]], Offset);
    }

    /// <summary>With an axis of extent 1 inserted before the given place; -1 appends.</summary>
    public Tensor Unsqueeze(int axis)
    {
        if (axis < 0) axis += Rank + 1;
        if (axis < 0 || axis > Rank) throw new ShapeException($"Unsqueeze: no place {axis} in {Shape}.");
        return new(Storage, DType, [.. Shape.AsSpan()[..axis], 1, .. Shape.AsSpan()[axis..]], [.. strides[..axis], 0, .. strides[axis..]], Offset);
    }

    /// <summary>This tensor if it is dense, else a dense copy.</summary>
    public Tensor Contiguous() => IsContiguous ? this : Clone();
}
