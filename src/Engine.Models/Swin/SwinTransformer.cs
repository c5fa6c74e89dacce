using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// Swin transformer (Liu et al. 2021, "Swin transformer: hierarchical vision transformer using shifted windows"): stages at
/// strides 4, 8, 16 and 32, whose blocks attend within windows; a linear head names the mean of the last map.
/// </summary>
/// <param name="at">The place: <see cref="ModuleScope.Root"/> for a model of its own.</param>
/// <param name="config">The shape.</param>
public sealed class SwinTransformer(ModuleScope at, SwinConfig config) : ImageClassifier(at), IFeatureBackbone
{
    readonly SwinBackbone backbone = new(at / "backbone", config);
    readonly LayerNorm norm = new(at / "norm", config.WidthOf(config.Stages - 1), config.Epsilon);

    readonly Linear? head = config.Classes > 0
        ? new(at / "head", config.WidthOf(config.Stages - 1), config.Classes, initial: InitialValues.TruncatedNormal(0.02f)) : null;

    /// <summary>A new model with random weights.</summary>
    public SwinTransformer(SwinConfig config, ulong seed = 0, Device? device = null) : this(ModuleScope.Root(seed, device), config)
    {
    }

    /// <summary>The shape.</summary>
    public SwinConfig Config => config;

    /// <inheritdoc/>
    public override int ImageSize => config.ImageSize;

    /// <inheritdoc/>
    public override int Classes => config.Classes;

    /// <inheritdoc/>
    public override string Architecture => config.ToString();

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels => backbone.Channels;

    /// <inheritdoc/>
    public IReadOnlyList<Variable> FeatureMaps(Variable pixels) => backbone.FeatureMaps(pixels);

    /// <inheritdoc/>
    public override Variable Features(Variable pixels)
    {
        Shape size = [pixels.Shape[0], config.Channels, config.ImageSize, config.ImageSize];
        if (pixels.Shape != size)
            throw new ShapeException($"SwinTransformer: pixels are {pixels.Shape}, the model takes {size}.");
        return Functions.Mean(norm.Forward(backbone.Forward(pixels)), [1, 2]);  // [B, 8C]
    }

    /// <inheritdoc/>
    public override Variable Classify(Variable features) => head?.Forward(features) ?? features;
}
