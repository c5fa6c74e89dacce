using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>An order of the slices of an axis in which each occurs once, and the way back.</summary>
public sealed class Permutation
{
    Permutation(Tensor order) => Order = order;

    /// <summary>Slice j of the result is slice order[j]; int32 [N].</summary>
    public Tensor Order { get; }

    /// <summary>The permutation that undoes this one.</summary>
    public Permutation Inverse { get; private set; } = null!;

    /// <summary>A permutation.</summary>
    /// <param name="order">Each number below its length once.</param>
    /// <param name="device">Where it is used; the default device if null.</param>
    /// <exception cref="ShapeException">A number is missing, or there twice.</exception>
    public static Permutation Of(ReadOnlySpan<int> order, Device? device = null)
    {
        int[] back = new int[order.Length];
        Array.Fill(back, -1);
        for (int i = 0; i < order.Length; i++)
        {
            if (order[i] < 0 || order[i] >= order.Length || back[order[i]] >= 0)
                throw new ShapeException($"Permutation: {order[i]} at place {i} of {order.Length} is outside or there before.");
            back[order[i]] = i;
        }

        Permutation forward = new(Tensor.From(order, [order.Length], device)), inverse = new(Tensor.From<int>(back, [back.Length], device));
        (forward.Inverse, inverse.Inverse) = (inverse, forward);
        return forward;
    }
}
