using Engine.Tensors;

namespace Engine.Autograd;

// Tensors put together and repeated.
public static partial class Functions
{
    /// <summary>Variables one after the other along an axis. The gradients are views of the result's.</summary>
    /// <exception cref="ShapeException">The shapes differ on another axis, or nothing was given.</exception>
    public static Variable Concatenate(int axis, params ReadOnlySpan<Variable> parts)
    {
        Variable[] inputs = Tape.Match(parts);
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
        Variable[] inputs = Tape.Match(parts);
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

    /// <summary>x with a border of one value.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="pads">Pairs (before, after), the last axis first, as in torch; negative ones cut off.</param>
    /// <param name="value">What the border holds.</param>
    /// <exception cref="ShapeException">There are no pairs, more than axes, or nothing is left of an axis.</exception>
    public static Variable Pad(Variable x, ReadOnlySpan<int> pads, float value = 0)
    {
        int[] undone = new int[pads.Length];
        for (int i = 0; i < undone.Length; i++) undone[i] = -pads[i];
        return Tape.Record(Joining.Pad(x.Value, pads, value), [x], dy => Joining.Pad(dy, undone));
    }

    /// <summary>x moved cyclically: what leaves an axis at its end comes back at its beginning.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="shifts">How far, for each of the axes; negative moves toward the beginning.</param>
    /// <param name="axes">Which axes.</param>
    /// <exception cref="ShapeException">There is not one shift for each axis.</exception>
    public static Variable Roll(Variable x, ReadOnlySpan<int> shifts, ReadOnlySpan<int> axes)
    {
        int[] back = new int[shifts.Length], along = axes.ToArray();
        for (int i = 0; i < back.Length; i++) back[i] = -shifts[i];
        return Tape.Record(Joining.Roll(x.Value, shifts, axes), [x], dy => Joining.Roll(dy, back, along));
    }

    /// <summary>x laid side by side, so often along each axis; more counts than axes add axes in front.</summary>
    /// <exception cref="ShapeException">There are fewer counts than axes, or one is negative.</exception>
    public static Variable Repeat(Variable x, params ReadOnlySpan<int> counts)
    {
        Tensor y = Joining.Repeat(x.Value, counts);
        int added = counts.Length - x.Rank;
        int[] pairs = new int[2 * counts.Length], single = new int[2 * counts.Length];
        for (int axis = 0; axis < counts.Length; axis++)
        {
            int extent = axis < added ? 1 : x.Shape[axis - added];
            (pairs[2 * axis], pairs[2 * axis + 1]) = (counts[axis], extent);
            (single[2 * axis], single[2 * axis + 1]) = (1, extent);
        }

        return Tape.Record(y, [x], dy => Reduction.SumTo(dy.Reshape(Shape.Create(pairs)), Shape.Create(single)).Reshape(x.Shape));
    }

    /// <summary>Every slice along an axis so often in a row: [a, b] becomes [a, a, b, b].</summary>
    /// <exception cref="ShapeException">There is no such axis, or count is negative.</exception>
    public static Variable RepeatInterleave(Variable x, int count, int axis)
    {
        axis = x.Shape.Axis(axis, "RepeatInterleave");
        ReadOnlySpan<int> extents = x.Shape.AsSpan();
        Shape apart = [.. extents[..(axis + 1)], count, .. extents[(axis + 1)..]];
        return Tape.Record(Joining.RepeatInterleave(x.Value, count, axis), [x], dy => Reduction.Sum(dy.Reshape(apart), [axis + 1]));
    }
}
