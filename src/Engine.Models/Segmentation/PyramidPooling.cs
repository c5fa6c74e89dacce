using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>What a map looks like from further and further away, beside the map itself (Zhao et al. 2017, "Pyramid scene parsing network").</summary>
/// <param name="at">The place; units <c>scales.N</c> and <c>fusion</c>.</param>
/// <param name="inputs">Channels of the map.</param>
/// <param name="channels">Channels of the result, and of each scale.</param>
/// <param name="scales">The sides that the map is pooled to.</param>
sealed class PyramidPooling(ModuleScope at, int inputs, int channels, IReadOnlyList<int> scales) : Module(at)
{
    readonly ConvolutionUnit[] units = [.. scales.Select((_, i) => new ConvolutionUnit(at / "scales" / i, inputs, channels, 1))];
    readonly ConvolutionUnit fusion = new(at / "fusion", inputs + scales.Count * channels, channels, 3);

    /// <summary>[B, inputs, H, W] to [B, channels, H, W].</summary>
    public Variable Forward(Variable x)
    {
        Variable[] parts = [x, .. units.Select((unit, i) => Pooled(unit, scales[i]))];
        return fusion.Forward(Functions.Concatenate(1, parts));

        Variable Pooled(ConvolutionUnit unit, int side) =>
            Functions.Interpolate(unit.Forward(Functions.AdaptiveAveragePool2d(x, side, side)), x.Shape[2], x.Shape[3], Interpolation.Bilinear);
    }
}
