using Engine.Autograd;

namespace Engine.Models;

/// <summary>Cuts images into patches that do not overlap and maps each to a vector (Dosovitskiy et al. 2021, eq. 1).</summary>
/// <param name="at">The place; parameters <c>weight</c> [width, channels, patch, patch] and <c>bias</c> [width].</param>
/// <param name="channels">Channels of the images.</param>
/// <param name="patch">Side of a patch in pixels.</param>
/// <param name="width">Width of the vectors.</param>
/// <param name="bias">False for none.</param>
public sealed class PatchEmbedding(ModuleScope at, int channels, int patch, int width, bool bias = true) : Module(at)
{
    readonly Parameter weight = at.Parameter("weight", [width, channels, patch, patch], Initial(channels, patch));
    readonly Parameter? bias = bias ? at.Parameter("bias", [width], Initial(channels, patch)) : null;

    /// <summary>[B, channels, H, W] to [B, H / patch * W / patch, width], row by row.</summary>
    public Variable Forward(Variable pixels) => Functions.PatchEmbedding(pixels, weight, bias);

    // Uniform up to 1 / sqrt(inputs), as convolutions are usually started (He et al. 2015 with a = sqrt(5)).
    static InitialValues Initial(int channels, int patch) => InitialValues.Uniform(1 / MathF.Sqrt((float)channels * patch * patch));
}
