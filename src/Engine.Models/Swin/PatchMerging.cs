using Engine.Autograd;

namespace Engine.Models;

/// <summary>Joins each 2 x 2 patches to one of twice the width (Liu et al. 2021, section 3.1).</summary>
/// <param name="at">The place; parts <c>norm</c> and <c>reduction</c>.</param>
/// <param name="width">C; the result has 2C.</param>
/// <param name="epsilon">Of the norm.</param>
public sealed class PatchMerging(ModuleScope at, int width, float epsilon) : Module(at)
{
    readonly LayerNorm norm = new(at / "norm", 4 * width, epsilon);
    readonly Linear reduction = new(at / "reduction", 4 * width, 2 * width, bias: false);

    /// <summary>[B, H, W, C] to [B, H / 2, W / 2, 2C]; an odd side is padded with zeros.</summary>
    public Variable Forward(Variable x)
    {
        int oddRows = x.Shape[1] % 2, oddColumns = x.Shape[2] % 2;
        if (oddRows + oddColumns > 0) x = Functions.Pad(x, [0, 0, 0, oddColumns, 0, oddRows]);
        int batch = x.Shape[0], height = x.Shape[1] / 2, columns = x.Shape[2] / 2;
        x = Functions.Permute(Functions.Reshape(x, batch, height, 2, columns, 2, width), 0, 1, 3, 4, 2, 5);
        x = Functions.Reshape(x, batch, height, columns, 4 * width);            // upper left, lower left, upper right, lower right
        return reduction.Forward(norm.Forward(x));                              // [B, H / 2, W / 2, 2C]
    }
}
