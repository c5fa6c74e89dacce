using Engine.Tensors;

namespace Engine.Autograd;

// Elements chosen by index or mask. Index tensors hold int32 or int64 and have no gradient.
public static partial class Functions
{
    /// <summary>y[i, j, k] = x[i, index[i, j, k], k] for axis 1, and so on.</summary>
    /// <exception cref="ShapeException">The shapes do not fit, or an index leaves the axis.</exception>
    public static Variable Gather(Variable x, int axis, Tensor index) =>
        Tape.Record(Indexing.Gather(x.Value, axis, index), [x], dy =>
        {
            Tensor summands = Accumulated(dy);
            return Indexing.ScatterAdd(ZerosOf(x, summands), axis, index, summands);
        });

    /// <summary>x with y[i, index[i, j, k], k] += source[i, j, k] for axis 1, and so on.</summary>
    /// <exception cref="ShapeException">The shapes do not fit, or an index leaves the axis.</exception>
    public static Variable ScatterAdd(Variable x, int axis, Tensor index, Variable source)
    {
        (x, source) = Tape.Match(x, source);
        return Tape.Record(Indexing.ScatterAdd(x.Value, axis, index, source.Value), [x, source], dy => (
            dy,
            source.RequiresGradient ? Indexing.Gather(dy, axis, index) : null));
    }

    /// <summary>The slices index[0], index[1], ... along an axis.</summary>
    /// <exception cref="ShapeException">There is no such axis, or an index leaves it.</exception>
    public static Variable IndexSelect(Variable x, int axis, Tensor index) =>
        Tape.Record(Indexing.IndexSelect(x.Value, axis, index), [x], dy =>
        {
            Tensor summands = Accumulated(dy);
            return Indexing.IndexAdd(ZerosOf(x, summands), axis, index, summands);
        });

    /// <summary>The slices along an axis in another order: <see cref="IndexSelect"/> where each is taken once, so that the gradient is one copy too.</summary>
    /// <exception cref="ShapeException">There is no such axis, or the permutation is of another length.</exception>
    public static Variable Reorder(Variable x, int axis, Permutation permutation)
    {
        ArgumentNullException.ThrowIfNull(permutation);
        if (permutation.Order.Shape[0] != x.Shape[x.Shape.Axis(axis, "Reorder")])
            throw new ShapeException($"Reorder: axis {axis} of x {x.Shape} is not as long as the permutation, {permutation.Order.Shape}.");
        return Tape.Record(Indexing.IndexSelect(x.Value, axis, permutation.Order), [x], dy =>
            Indexing.IndexSelect(dy, axis, permutation.Inverse.Order));
    }

    /// <summary>Rows of a table.</summary>
    /// <param name="weight">[V, D]</param>
    /// <param name="ids">Any shape [...]</param>
    /// <returns>[..., D]</returns>
    /// <exception cref="ShapeException">weight is not a table, or an id is not below V.</exception>
    public static Variable Embedding(Variable weight, Tensor ids) =>
        Tape.Narrow(Tape.Record(Indexing.Embedding(weight.Value, ids), [weight], dy => Indexing.EmbeddingGradient(dy, ids, weight.Shape[0])));

    /// <summary>condition ? a : b, with broadcasting.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or the condition is not bool.</exception>
    public static Variable Where(Tensor condition, Variable a, Variable b)
    {
        (a, b) = Tape.Match(a, b);
        return Tape.Record(Elementwise.Select(condition, a.Value, b.Value), [a, b], dy =>
        {
            Tensor zero = Tensor.Scalar(0, dy.DType, dy.Device);
            return (
                a.RequiresGradient ? SumTo(Elementwise.Select(condition, dy, zero), a) : null,
                b.RequiresGradient ? SumTo(Elementwise.Select(condition, zero, dy), b) : null);
        });
    }

    /// <summary>value where the mask holds, else x. The mask broadcasts to x.</summary>
    /// <exception cref="ShapeException">The shapes do not broadcast, or the mask is not bool.</exception>
    public static Variable MaskedFill(Variable x, Tensor mask, float value) =>
        Tape.Record(Elementwise.MaskedFill(x.Value, mask, value), [x], dy => SumTo(Elementwise.MaskedFill(dy, mask, 0), x));

    // What gradients are scattered into: one stretched zero, which the scattering copies to where it adds.
    static Tensor ZerosOf(Variable x, Tensor summands) => Tensor.Scalar(0, summands.DType, summands.Device).Expand(x.Shape);

    // Many additions to one place, each rounded to 16 bits, would not add up.
    static Tensor Accumulated(Tensor dy) => dy.To(dy.DType.Accumulated());
}
