using Engine.Autograd;

namespace Engine.Models;

/// <summary>The stages of a Swin transformer without what makes a classifier of them.</summary>
/// <param name="at">The place; parts <c>patch_embedding</c>, <c>patch_norm</c> and <c>stages</c>.</param>
/// <param name="config">The shape.</param>
public sealed class SwinBackbone(ModuleScope at, SwinConfig config) : Module(at), IFeatureBackbone
{
    readonly PatchEmbedding patches = new(at / "patch_embedding", config.Validated().Channels, config.PatchSize, config.Width);
    readonly LayerNorm patchNorm = new(at / "patch_norm", config.Width, config.Epsilon);
    readonly SwinStage[] stages = [.. Enumerable.Range(0, config.Stages).Select(stage => new SwinStage(at / "stages" / stage, config, stage))];

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels { get; } = [.. Enumerable.Range(0, config.Stages).Select(config.WidthOf)];

    /// <summary>The last stage's map.</summary>
    /// <param name="pixels">[B, channels, H, W], padded with zeros to whole patches</param>
    /// <returns>[B, H / 32, W / 32, 8C] of four stages and patches of 4</returns>
    public Variable Forward(Variable pixels)
    {
        Variable x = Embed(pixels);
        foreach (SwinStage stage in stages) x = stage.Forward(x);
        return x;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Variable> FeatureMaps(Variable pixels)
    {
        Variable[] maps = new Variable[stages.Length];
        Variable x = Embed(pixels);                                             // [B, H, W, C]
        for (int i = 0; i < maps.Length; i++)
        {
            x = stages[i].Forward(x);
            maps[i] = Functions.Permute(x, 0, 3, 1, 2);                         // [B, C_i, H_i, W_i], a view
        }

        return maps;
    }

    Variable Embed(Variable pixels)
    {
        int patch = config.PatchSize;
        int height = (pixels.Shape[2] + patch - 1) / patch, width = (pixels.Shape[3] + patch - 1) / patch;
        int below = height * patch - pixels.Shape[2], right = width * patch - pixels.Shape[3];
        if (below + right > 0) pixels = Functions.Pad(pixels, [0, right, 0, below]);
        Variable x = patchNorm.Forward(patches.Forward(pixels));                // [B, H * W, C]
        return Functions.Reshape(x, x.Shape[0], height, width, config.Width);
    }
}
