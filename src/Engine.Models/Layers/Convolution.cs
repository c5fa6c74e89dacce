using Engine.Autograd;

namespace Engine.Models;

/// <summary>A convolution of square windows that keeps the size of the map.</summary>
/// <param name="at">The place; parameters <c>weight</c> [outputs, inputs, side, side] and <c>bias</c> [outputs].</param>
/// <param name="inputs">Channels of x.</param>
/// <param name="outputs">Channels of the result.</param>
/// <param name="side">Odd side of a window.</param>
/// <param name="bias">False for none.</param>
/// <param name="initial">The fresh weight; He's normal distribution if null (He et al. 2015, by outputs). The bias starts at 0.</param>
public sealed class Convolution(ModuleScope at, int inputs, int outputs, int side, bool bias = true, InitialValues? initial = null) : Module(at)
{
    readonly Parameter weight = at.Parameter(
        "weight", [outputs, inputs, side, side], initial ?? InitialValues.Normal(MathF.Sqrt(2f / (outputs * side * side))));

    readonly Parameter? bias = bias ? at.Parameter("bias", [outputs], InitialValues.Zeros) : null;

    /// <summary>[B, inputs, H, W] to [B, outputs, H, W].</summary>
    public Variable Forward(Variable x) => Functions.Conv2d(x, weight, bias, padding: side / 2);
}
