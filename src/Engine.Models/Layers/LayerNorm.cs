using Engine.Autograd;

namespace Engine.Models;

/// <summary>Layer normalisation over the last axis (Ba, Kiros, Hinton 2016).</summary>
/// <param name="at">The place; parameters <c>weight</c> and <c>bias</c>, both [width].</param>
/// <param name="width">The last axis.</param>
/// <param name="epsilon">Added to the variance.</param>
public sealed class LayerNorm(ModuleScope at, int width, float epsilon = 1e-5f) : Module(at)
{
    readonly Parameter weight = at.Parameter("weight", [width], InitialValues.Ones);
    readonly Parameter bias = at.Parameter("bias", [width], InitialValues.Zeros);

    /// <summary>[..., width] to the same shape.</summary>
    public Variable Forward(Variable x) => Functions.LayerNorm(x, weight, bias, epsilon);
}
