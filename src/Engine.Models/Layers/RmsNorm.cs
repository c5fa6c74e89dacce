using Engine.Autograd;

namespace Engine.Models;

/// <summary>Root mean square normalisation over the last axis (Zhang and Sennrich 2019): no mean is taken off, nothing is added.</summary>
/// <param name="at">The place; parameter <c>weight</c> [width].</param>
/// <param name="width">The last axis.</param>
/// <param name="epsilon">Added to the mean square.</param>
public sealed class RmsNorm(ModuleScope at, int width, float epsilon = 1e-6f) : Module(at)
{
    readonly Parameter weight = at.Parameter("weight", [width], InitialValues.Ones);

    /// <summary>[..., width] to the same shape.</summary>
    public Variable Forward(Variable x) => Functions.RmsNorm(x, weight, epsilon);
}
