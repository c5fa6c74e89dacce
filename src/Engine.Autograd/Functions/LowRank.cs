using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>A low-rank update of a linear layer: what scale * (input down^T) up^T adds to some of its columns.</summary>
/// <param name="Input">[..., in]: the layer's own input, or that after dropout</param>
/// <param name="Down">A [r, in]</param>
/// <param name="Up">B [columns, r]</param>
/// <param name="Scale">Of the product, alpha / r.</param>
/// <param name="First">The first of the columns of the result that it adds to.</param>
public readonly record struct LowRankUpdate(Variable Input, Variable Down, Variable Up, float Scale, int First = 0);

// Linear layers with low-rank updates.
public static partial class Functions
{
    /// <summary>
    /// x weight^T + bias + sum of scale (input down^T) up^T, the linear layer of LoRA (Hu et al. 2021, eq. 3). The updates are
    /// added into the one result, and their part of dx into the one dx: besides those, only [..., r] is held.
    /// </summary>
    /// <param name="x">[..., in]</param>
    /// <param name="weight">[out, in]; of any floating type where it needs no gradient</param>
    /// <param name="bias">[out], or null</param>
    /// <param name="updates">Each for its own columns, or several for the same.</param>
    /// <returns>[..., out]</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Variable LowRankLinear(Variable x, Variable weight, Variable? bias, params ReadOnlySpan<LowRankUpdate> updates)
    {
        LowRankUpdate[] parts = updates.ToArray();
        Variable given = x;
        (x, weight, bias) = (Tape.Narrow(x), Tape.Narrow(weight), Tape.Narrow(bias));
        for (int i = 0; i < parts.Length; i++)
        {
            Variable input = parts[i].Input == given ? x : Tape.Narrow(parts[i].Input);
            parts[i] = parts[i] with { Input = input, Down = Tape.Narrow(parts[i].Down), Up = Tape.Narrow(parts[i].Up) };
        }

        Tensor y = Matrices.Linear(x.Value, weight.Value, bias?.Value);
        Tensor[] inner = new Tensor[parts.Length];                              // scale * input down^T, [..., r]
        List<Variable?> inputs = [x, weight, bias];
        for (int i = 0; i < parts.Length; i++)
        {
            LowRankUpdate part = parts[i];
            CheckUpdate(part, x, y);
            inner[i] = Matrices.Linear(part.Input.Value, part.Down.Value);
            if (part.Scale != 1) Elementwise.MapInto(new Scale(part.Scale), inner[i], inner[i]);
            Matrices.MatMulInto(AsRows(inner[i]), part.Up.Value.Transpose(), Columns(y, part), accumulate: true);
            inputs.AddRange([part.Input, part.Down, part.Up]);
        }

        return Tape.Record(
            y,
            inputs.ToArray(),
            dy =>
            {
                Tensor? dx = x.RequiresGradient ? Matrices.LinearInputGradient(dy, weight.Value) : null;
                Tensor?[] gradients = new Tensor?[inputs.Count];
                gradients[0] = dx;
                gradients[1] = weight.RequiresGradient ? Matrices.LinearWeightGradient(dy, x.Value) : null;
                gradients[2] = bias is null ? null : SumTo(dy, bias);
                for (int i = 0; i < parts.Length; i++)
                    UpdateGradients(dy, parts[i], inner[i], parts[i].Input == x ? dx : null, gradients.AsSpan(3 + 3 * i, 3));
                return gradients;
            },
            saved: inner);
    }

    // dinput, ddown and dup of one update. Where its input is the layer's own, dinput is added to that one's gradient instead.
    static void UpdateGradients(Tensor dy, in LowRankUpdate part, Tensor inner, Tensor? dx, Span<Tensor?> gradients)
    {
        Tensor dcolumns = Columns(dy, part);                                    // [rows, columns]
        if (part.Up.RequiresGradient) gradients[2] = Matrices.LinearWeightGradient(dcolumns, AsRows(inner));
        bool wantsInput = part.Input.RequiresGradient;
        if (!wantsInput && !part.Down.RequiresGradient) return;
        Tensor dinner = Matrices.LinearInputGradient(dcolumns, part.Up.Value);  // [rows, r]
        if (part.Scale != 1) Elementwise.MapInto(new Scale(part.Scale), dinner, dinner);
        if (part.Down.RequiresGradient) gradients[1] = Matrices.LinearWeightGradient(dinner, AsRows(part.Input.Value));
        if (!wantsInput) return;
        if (dx is not null) Matrices.MatMulInto(dinner, part.Down.Value, AsRows(dx), accumulate: true);
        else gradients[0] = Matrices.LinearInputGradient(dinner, part.Down.Value).Reshape(part.Input.Shape);
    }

    static void CheckUpdate(in LowRankUpdate part, Variable x, Tensor y)
    {
        if (part.Input.Shape != x.Shape)
            throw new ShapeException($"LowRankLinear: the update's input is {part.Input.Shape}, x is {x.Shape}.");
        if (part.Down.Rank != 2 || part.Up.Rank != 2 || part.Down.Shape[0] != part.Up.Shape[1])
            throw new ShapeException($"LowRankLinear: down {part.Down.Shape} and up {part.Up.Shape} are not [r, in] and [columns, r].");
        if (part.First < 0 || part.First + part.Up.Shape[0] > y.Shape[^1])
            throw new ShapeException($"LowRankLinear: an update of {part.Up.Shape[0]} columns from {part.First} on does not fit into y {y.Shape}.");
    }

    // The columns of an update as a view [rows, columns].
    static Tensor Columns(Tensor y, in LowRankUpdate part) => AsRows(y).Slice(1, part.First, part.First + part.Up.Shape[0]);

    // [..., D] as [rows, D].
    static Tensor AsRows(Tensor x)
    {
        if (x.Rank == 2) return x;
        long rows = 1;
        for (int axis = 0; axis < x.Rank - 1; axis++) rows *= x.Shape[axis];
        return x.Reshape(checked((int)rows), x.Shape[^1]);
    }
}
