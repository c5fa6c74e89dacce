using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>A feature pyramid on top of pyramid pooling, fused at the finest scale (Xiao et al. 2018, figure 4).</summary>
/// <param name="at">The place; parts <c>pooling</c>, <c>laterals.N</c>, <c>outputs.N</c>, <c>fusion</c>, <c>classifier</c>.</param>
/// <param name="config">The model's shape.</param>
sealed class UperNetHead(ModuleScope at, UperNetConfig config) : Module(at)
{
    readonly PyramidPooling pooling = new(at / "pooling", config.Backbone.WidthOf(config.Backbone.Stages - 1), config.Channels, config.PoolScales);

    // Of all maps but the last, which pooling takes.
    readonly ConvolutionUnit[] laterals = [.. Enumerable.Range(0, config.Backbone.Stages - 1)
        .Select(stage => new ConvolutionUnit(at / "laterals" / stage, config.Backbone.WidthOf(stage), config.Channels, 1))];

    readonly ConvolutionUnit[] outputs = [.. Enumerable.Range(0, config.Backbone.Stages - 1)
        .Select(stage => new ConvolutionUnit(at / "outputs" / stage, config.Channels, config.Channels, 3))];

    readonly ConvolutionUnit fusion = new(at / "fusion", config.Backbone.Stages * config.Channels, config.Channels, 3);
    readonly Convolution classifier = new(at / "classifier", config.Channels, config.Classes, 1, initial: InitialValues.Normal(0.01f));

    /// <summary>Maps [B, C_i, H_i, W_i] to logits [B, classes, H_0, W_0].</summary>
    public Variable Forward(IReadOnlyList<Variable> maps)
    {
        Variable[] pyramid = new Variable[maps.Count];                          // [B, channels, H_i, W_i]
        pyramid[^1] = pooling.Forward(maps[^1]);
        for (int i = maps.Count - 2; i >= 0; i--)
            pyramid[i] = laterals[i].Forward(maps[i]) + Resized(pyramid[i + 1], maps[i]);
        for (int i = 0; i < outputs.Length; i++) pyramid[i] = outputs[i].Forward(pyramid[i]);
        for (int i = 1; i < pyramid.Length; i++) pyramid[i] = Resized(pyramid[i], maps[0]);
        return classifier.Forward(fusion.Forward(Functions.Concatenate(1, pyramid)));
    }

    static Variable Resized(Variable x, Variable like) => Functions.Interpolate(x, like.Shape[2], like.Shape[3], Interpolation.Bilinear);
}

/// <summary>Convolutions and a classifier on one map (Long et al. 2015, "Fully convolutional networks").</summary>
/// <param name="at">The place; parts <c>units.N</c>, <c>joined</c>, <c>classifier</c>.</param>
/// <param name="config">The model's shape.</param>
sealed class AuxiliaryHead(ModuleScope at, UperNetConfig config) : Module(at)
{
    readonly ConvolutionUnit[] units = [.. Enumerable.Range(0, config.AuxiliaryDepth)
        .Select(i => new ConvolutionUnit(at / "units" / i, i == 0 ? config.AuxiliaryInputs : config.AuxiliaryChannels, config.AuxiliaryChannels, 3))];

    readonly ConvolutionUnit? joined = config.AuxiliaryKeepsInput
        ? new(at / "joined", config.AuxiliaryInputs + config.AuxiliaryChannels, config.AuxiliaryChannels, 3) : null;

    readonly Convolution classifier = new(at / "classifier", config.AuxiliaryChannels, config.Classes, 1, initial: InitialValues.Normal(0.01f));

    /// <summary>[B, C, H, W] to logits [B, classes, H, W].</summary>
    public Variable Forward(Variable map)
    {
        Variable x = map;
        foreach (ConvolutionUnit unit in units) x = unit.Forward(x);
        if (joined is not null) x = joined.Forward(Functions.Concatenate(1, map, x));
        return classifier.Forward(x);
    }
}
