using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>x W^T + b. The one place where the models multiply by a weight matrix, and so the one an adapter attaches to.</summary>
/// <param name="at">The place; parameters <c>weight</c> [outputs, inputs] and <c>bias</c> [outputs].</param>
/// <param name="inputs">Width of x.</param>
/// <param name="outputs">Width of the result.</param>
/// <param name="bias">False for none.</param>
/// <param name="initial">The fresh weight; <see cref="InitialValues.Glorot"/> if null. The bias starts at 0.</param>
public sealed class Linear(ModuleScope at, int inputs, int outputs, bool bias = true, InitialValues? initial = null) : Module(at)
{
    /// <summary>W [outputs, inputs].</summary>
    public Parameter Weight { get; } = at.Parameter("weight", [outputs, inputs], initial ?? InitialValues.Glorot(inputs, outputs), keepStored: true);

    /// <summary>b [outputs], or null.</summary>
    public Parameter? Bias { get; } = bias ? at.Parameter("bias", [outputs], InitialValues.Zeros) : null;

    /// <summary>Width of x.</summary>
    public int Inputs => inputs;

    /// <summary>Width of the result.</summary>
    public int Outputs => outputs;

    /// <summary>
    /// What is trained beside the layer, or null. It takes the layer's place in <see cref="Forward(Variable)"/> until it is merged
    /// into the weight. <see cref="Peft"/> attaches the usual ones; one of your own is built below <see cref="Module.At"/>, so
    /// that its parameters are the model's.
    /// </summary>
    public LinearAdapter? Adapter { get; set; }

    LinearAdapter? Active => Adapter is { IsMerged: false } adapter ? adapter : null;

    /// <summary>[..., inputs] to [..., outputs].</summary>
    public Variable Forward(Variable x) => Active?.Forward(x) ?? Functions.Linear(x, Weight, Bias);

    /// <summary>[..., inputs] to [..., outputs], through an activation: in one pass over the result where no adapter needs the sum.</summary>
    public Variable Forward(Variable x, Activation activation) => activation switch
    {
        Activation.Gelu => Forward(default(Gelu), x),
        Activation.GeluTanh => Forward(default(GeluTanh), x),
        Activation.QuickGelu => Forward(default(QuickGelu), x),
        Activation.Relu => Forward(default(Relu), x),
        Activation.Silu => Forward(default(Silu), x),
        Activation.Tanh => Forward(default(HyperbolicTangent), x),
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "no such activation"),
    };

    Variable Forward<TActivation>(TActivation activation, Variable x) where TActivation : struct, IDifferentiableUnary =>
        Active is { } adapter ? Functions.Unary(activation, adapter.Forward(x)) : Functions.Linear(activation, x, Weight, Bias);
}
