using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>What is added to the score of two patches of a window for where they lie to each other (Liu et al. 2021, eq. 4).</summary>
/// <param name="at">The place; parameter <c>table</c> [(2M - 1)^2, heads].</param>
/// <param name="side">Side M of a window.</param>
/// <param name="heads">Attention heads.</param>
public sealed class RelativePositionBias(ModuleScope at, int side, int heads) : Module(at)
{
    readonly Parameter table = at.Parameter("table", [(2 * side - 1) * (2 * side - 1), heads], InitialValues.TruncatedNormal(0.02f));
    readonly Tensor index = Index(side, at);

    /// <summary>B [1, heads, N, N] with N = M^2.</summary>
    public Variable Forward()
    {
        Variable bias = Functions.IndexSelect(Functions.Transpose(table), 1, index);                // [heads, N * N]
        return Functions.Reshape(bias, 1, heads, side * side, side * side);
    }

    /// <summary>The rows of the table by pair of patches: which is so far below and so far to the right of the other.</summary>
    /// <returns>[N * N], the row of patch i and patch j at i * N + j</returns>
    public static int[] Rows(int side)
    {
        int length = side * side, reach = 2 * side - 1;
        int[] rows = new int[length * length];
        for (int i = 0; i < length; i++)
            for (int j = 0; j < length; j++)
                rows[i * length + j] = (i / side - j / side + side - 1) * reach + i % side - j % side + side - 1;
        return rows;
    }

    /// <summary>
    /// A table for windows of another size: a picture of the offsets, resampled bicubically, as the paper's authors load a
    /// checkpoint of another window.
    /// </summary>
    /// <param name="table">[(2M - 1)^2, heads]</param>
    /// <param name="side">Side of the new windows.</param>
    /// <returns>[(2 side - 1)^2, heads]</returns>
    public static Tensor Resample(Tensor table, int side)
    {
        ArgumentNullException.ThrowIfNull(table);
        int from = (int)Math.Sqrt(table.Shape[0]), to = 2 * side - 1, heads = table.Shape[1];
        Tensor picture = table.Transpose().Reshape(1, heads, from, from);
        return Resampling.Interpolate(picture.Contiguous(), to, to, Interpolation.Bicubic).Reshape(heads, to * to).Transpose().Contiguous();
    }

    static Tensor Index(int side, ModuleScope at)
    {
        using StepScope outside = StepScope.Outside();
        int[] rows = Rows(side);
        return Tensor.From<int>(rows, [rows.Length], at.Device);
    }
}
