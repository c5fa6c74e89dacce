using Engine.Tensors;

namespace Engine.Autograd;

// Tensors put together and repeated.
public static partial class Functions
{
    /// <summary>Variables one after the other along an axis. The gradients are views of the result's.</summary>
    /// <exception cref="ShapeException">The shapes differ on another axis, or nothing was given.</exception>
    public static Variable Concatenate(int axis, params ReadOnlySpan<Variable> parts)
    {
        Variable[] inputs = parts.ToArray();
        Tensor y = Joining.Concatenate(axis, Values(inputs));
        axis = y.Shape.Axis(axis, "Concatenate");
        return Tape.Record(y, inputs, dy =>
        {
            Tensor?[] gradients = new Tensor?[inputs.Length];
            int start = 0;
            for (int i = 0; i < inputs.Length; i++)
            {
                int stop = start + inputs[i].Shape[axis];
                gradients[i] = dy.Slice(axis, start, stop);
                start = stop;
            }

            return gradients;
        });
    }

    /// <summary>Variables of one shape along a new axis.</summary>
    /// <exception cref="ShapeException">The shapes differ, or nothing was given.</exception>
    public static Variable Stack(int axis, params ReadOnlySpan<Variable> parts)
    {
        Variable[] inputs = parts.ToArray();
        Tensor y = Joining.Stack(axis, Values(inputs));
        axis = y.Shape.Axis(axis, "Stack");
        return Tape.Record(y, inputs, dy =>
        {
            Tensor?[] gradients = new Tensor?[inputs.Length];
            for (int i = 0; i < inputs.Length; i++) gradients[i] = dy.Select(axis, i);
            return gradients;
        });
    }

    static Tensor[] Values(Variable[] variables)
    {
        Tensor[] values = new Tensor[variables.Length];
        for (int i = 0; i < values.Length; i++) values[i] = variables[i].Value;
        return values;
    }

    /// <summary>x with a constant around it.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="before">How much to put before each axis; one number an axis.</param>
    /// <param name="after">How much to put after each axis.</param>
    /// <param name="value">The constant.</param>
    /// <exception cref="ShapeException">There is not one number for every axis, or one is negative.</exception>
    public static Variable Pad(Variable x, ReadOnlySpan<int> before, ReadOnlySpan<int> after, float value = 0)
    {
        int[] starts = before.ToArray();
        return Tape.Record(Joining.Pad(x.Value, before, after, value), [x], dy =>
        {
            for (int axis = 0; axis < starts.Length; axis++)
                dy = dy.Slice(axis, starts[axis], starts[axis] + x.Shape[axis]);
            return dy;
        });
    }

    /// <summary>The elements moved by a distance along an axis; what leaves at one end comes back at the other.</summary>
    public static Variable Roll(Variable x, int shift, int axis) =>
        Tape.Record(Joining.Roll(x.Value, shift, axis), [x], dy => Joining.Roll(dy, -shift, axis));

    /// <summary>The whole of x repeated along each axis; more numbers than axes add axes in front.</summary>
    /// <exception cref="ShapeException">There are fewer numbers than axes, or one is negative.</exception>
    public static Variable Repeat(Variable x, params ReadOnlySpan<int> repeats)
    {
        if (repeats.Length < x.Rank)
            throw new ShapeException($"Repeat: {repeats.Length} repeats given for shape {x.Shape}.");
        int added = repeats.Length - x.Rank;
        int[] split = new int[2 * repeats.Length], stretched = new int[split.Length], merged = new int[repeats.Length];
        for (int axis = 0; axis < repeats.Length; axis++)
        {
            int extent = axis < added ? 1 : x.Shape[axis - added];
            (split[2 * axis], split[2 * axis + 1]) = (1, extent);
            (stretched[2 * axis], stretched[2 * axis + 1]) = (repeats[axis], extent);
            merged[axis] = repeats[axis] * extent;
        }

        return Reshape(Expand(Reshape(x, Shape.Create(split)), Shape.Create(stretched)), Shape.Create(merged));
    }

    /// <summary>Each element along an axis repeated: a a a b b b.</summary>
    /// <exception cref="ShapeException">There is no such axis, or repeats is negative.</exception>
    public static Variable RepeatInterleave(Variable x, int repeats, int axis)
    {
        axis = x.Shape.Axis(axis, "RepeatInterleave");
        ReadOnlySpan<int> shape = x.Shape.AsSpan();
        Shape stretched = [.. shape[..(axis + 1)], repeats, .. shape[(axis + 1)..]];
        return Reshape(Expand(Unsqueeze(x, axis + 1), stretched), x.Shape.With(axis, x.Shape[axis] * repeats));
    }
}
