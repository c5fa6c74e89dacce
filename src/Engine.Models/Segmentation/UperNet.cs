using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// UPerNet (Xiao et al. 2018, "Unified perceptual parsing for scene understanding") on a Swin backbone: the maps of all
/// stages, normalised, through a feature pyramid with pyramid pooling; as the Swin paper segments (section 4.3).
/// </summary>
/// <param name="at">The place: <see cref="ModuleScope.Root"/> for a model of its own.</param>
/// <param name="config">The shape.</param>
public sealed class UperNet(ModuleScope at, UperNetConfig config) : Segmenter(at)
{
    readonly SwinBackbone backbone = new(at / "backbone", config.Validated().Backbone);

    readonly LayerNorm[] norms = [.. Enumerable.Range(0, config.Backbone.Stages)
        .Select(stage => new LayerNorm(at / "norms" / stage, config.Backbone.WidthOf(stage), config.Backbone.Epsilon))];

    readonly UperNetHead head = new(at / "head", config);
    readonly AuxiliaryHead? auxiliary = config.HasAuxiliary ? new(at / "auxiliary", config) : null;

    /// <summary>A new model with random weights.</summary>
    public UperNet(UperNetConfig config, ulong seed = 0, Device? device = null) : this(ModuleScope.Root(seed, device), config)
    {
    }

    /// <summary>The shape.</summary>
    public UperNetConfig Config => config;

    /// <inheritdoc/>
    public override int ImageSize => config.Backbone.ImageSize;

    /// <inheritdoc/>
    public override int Classes => config.Classes;

    /// <inheritdoc/>
    public override string Architecture => config.ToString();

    /// <inheritdoc/>
    public override float AuxiliaryWeight => config.AuxiliaryWeight;

    /// <inheritdoc/>
    public override Variable Forward(Variable pixels) => Enlarged(head.Forward(Maps(pixels)), pixels);

    /// <inheritdoc/>
    public override (Variable Logits, Variable? Auxiliary) ForwardBoth(Variable pixels)
    {
        IReadOnlyList<Variable> maps = Maps(pixels);
        Variable logits = Enlarged(head.Forward(maps), pixels);
        return (logits, auxiliary is null ? null : Enlarged(auxiliary.Forward(maps[UperNetConfig.AuxiliaryStage]), pixels));
    }

    // [B, C_i, H_i, W_i], each patch normalised.
    Variable[] Maps(Variable pixels)
    {
        if (pixels.Rank != 4 || pixels.Shape[1] != config.Backbone.Channels)
            throw new ShapeException($"UperNet: pixels are {pixels.Shape}, the model takes [B, {config.Backbone.Channels}, H, W].");
        return [.. backbone.FeatureMaps(pixels).Select((map, stage) =>
            Functions.Permute(norms[stage].Forward(Functions.Permute(map, 0, 2, 3, 1)), 0, 3, 1, 2))];
    }

    static Variable Enlarged(Variable logits, Variable pixels) =>
        Functions.Interpolate(logits, pixels.Shape[2], pixels.Shape[3], Interpolation.Bilinear);
}
