using Engine.Autograd;

namespace Engine.Models;

/// <summary>down(silu(gate(x)) * up(x)), the gated MLP of LLaMA (Shazeer 2020, "GLU variants improve transformer").</summary>
/// <param name="at">The place; linear layers <c>gate</c>, <c>up</c> and <c>down</c>.</param>
/// <param name="width">Width of the input and of the result.</param>
/// <param name="hidden">Width between them.</param>
/// <param name="bias">Whether the three layers have biases.</param>
public sealed class GatedMlp(ModuleScope at, int width, int hidden, bool bias = false) : Module(at)
{
    readonly Linear gate = new(at / "gate", width, hidden, bias);
    readonly Linear up = new(at / "up", width, hidden, bias);
    readonly Linear down = new(at / "down", hidden, width, bias);

    /// <summary>[..., width] to the same shape.</summary>
    public Variable Forward(Variable x) => down.Forward(Functions.SwiGlu(gate.Forward(x), up.Forward(x)));
}
