using Engine.Autograd;

namespace Engine.Models;

/// <summary>Scales each channel of a residual branch by a trained factor that starts small (Touvron et al. 2021, "Going deeper").</summary>
/// <param name="at">The place; parameter <c>gamma</c> [width].</param>
/// <param name="width">The last axis.</param>
/// <param name="initial">Where the factors start.</param>
public sealed class LayerScale(ModuleScope at, int width, float initial) : Module(at)
{
    readonly Parameter gamma = at.Parameter("gamma", [width], InitialValues.Constant(initial));

    /// <summary>[..., width] to the same shape.</summary>
    public Variable Forward(Variable x) => x * gamma;
}
