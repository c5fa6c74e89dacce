using Engine.Tensors;
using Xunit.Sdk;

namespace Engine.Autograd.Tests;

/// <summary>How the inputs of a gradient check lie in memory.</summary>
enum Layout
{
    /// <summary>Densely.</summary>
    Dense,

    /// <summary>With the first and last axis exchanged.</summary>
    Transposed,

    /// <summary>Every second element of the last axis of something longer.</summary>
    Strided,
}

/// <summary>A function and the shapes of its inputs, for a gradient check.</summary>
/// <param name="Function">The method of <see cref="Functions"/> or operator of <see cref="Variable"/>.</param>
/// <param name="What">Tells cases of one function apart.</param>
/// <param name="Apply">Calls it; its result is differentiated.</param>
/// <param name="Shapes">One for each input.</param>
/// <param name="From">The smallest value of the inputs.</param>
/// <param name="To">The largest value of the inputs.</param>
sealed record GradientCase(
    string Function, string What, Func<Variable[], Variable> Apply, Shape[] Shapes, double From, double To)
{
    /// <summary>Checks the gradients of all inputs, for one layout of them.</summary>
    public void Check(Layout layout) => GradCheck.Check(Apply, [.. Shapes.Select((shape, i) => new Variable(Input(shape, i, layout), true))]);

    // Distinct values in a random order, evenly spaced, so that no two are closer than the step of a difference; none is
    // zero, where some derivatives do not exist.
    Tensor Input(Shape shape, int index, Layout layout)
    {
        int count = (int)shape.ElementCount;
        int[] order = new Philox(11, (ulong)index).Permutation(count);
        double[] values = [.. order.Select(k => From + (To - From) * (k + 0.31 + 0.17 * index) / Math.Max(count, 1))];
        Tensor dense = Tensor.From(values, shape);
        if (shape.Rank == 0 || layout == Layout.Dense) return dense;
        if (layout == Layout.Transposed) return dense.Transpose(0, -1).Clone().Transpose(0, -1);
        Tensor longer = Tensor.Full(shape.With(shape.Rank - 1, shape[^1] * 2), double.NaN, DType.Float64);
        Tensor strided = longer.Slice(-1, 0, longer.Shape[^1], 2);
        strided.CopyFrom(dense);
        return strided;
    }

    public override string ToString() => What.Length == 0 ? Function : $"{Function} {What}";
}

/// <summary>A row of the gradient checks by its place in the table, so that runners can list it.</summary>
public sealed class GradientRow : IXunitSerializable
{
    public GradientRow()
    {
    }

    internal GradientRow(int place, Layout layout) => (Place, Layout) = (place, layout);

    internal int Place { get; private set; }

    internal Layout Layout { get; private set; }

    internal GradientCase Case => GradientTable.Cases[Place];

    public void Deserialize(IXunitSerializationInfo info) =>
        (Place, Layout) = (info.GetValue<int>("place"), (Layout)info.GetValue<int>("layout"));

    public void Serialize(IXunitSerializationInfo info)
    {
        info.AddValue("place", Place);
        info.AddValue("layout", (int)Layout);
    }

    public override string ToString() => $"{Case}, {Layout.ToString().ToLowerInvariant()}";
}
