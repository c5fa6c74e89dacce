using Engine.Autograd;

namespace Engine.Models;

/// <summary>A convolution without bias, batch normalization, ReLU.</summary>
/// <param name="at">The place; parts <c>conv</c> and <c>norm</c>.</param>
/// <param name="inputs">Channels of x.</param>
/// <param name="outputs">Channels of the result.</param>
/// <param name="side">Side of the windows.</param>
sealed class ConvolutionUnit(ModuleScope at, int inputs, int outputs, int side) : Module(at)
{
    readonly Convolution convolution = new(at / "conv", inputs, outputs, side, bias: false);
    readonly BatchNorm norm = new(at / "norm", outputs);

    /// <summary>[B, inputs, H, W] to [B, outputs, H, W].</summary>
    public Variable Forward(Variable x) => Functions.Relu(norm.Forward(convolution.Forward(x)));
}
