using Engine.Autograd;

namespace Engine.Models;

/// <summary>Two linear layers with an activation between them, the second half of a transformer block.</summary>
/// <param name="at">The place; linear layers <c>fc1</c> and <c>fc2</c>.</param>
/// <param name="width">Width of the input and of the result.</param>
/// <param name="hidden">Width between them.</param>
/// <param name="activation">The nonlinearity.</param>
/// <param name="dropout">After each layer, while training.</param>
public sealed class Mlp(ModuleScope at, int width, int hidden, Activation activation = Activation.Gelu, float dropout = 0) : Module(at)
{
    readonly Linear fc1 = new(at / "fc1", width, hidden);
    readonly Linear fc2 = new(at / "fc2", hidden, width);
    readonly Dropout dropout = new(at / "drop", dropout);

    /// <summary>[..., width] to the same shape.</summary>
    public Variable Forward(Variable x)
    {
        x = dropout.Forward(fc1.Forward(x, activation));                        // [..., hidden]
        return dropout.Forward(fc2.Forward(x));
    }
}
