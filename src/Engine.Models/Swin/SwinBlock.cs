using Engine.Autograd;

namespace Engine.Models;

/// <summary>A block whose attention stays within windows, in every second block shifted by half a window (Liu et al. 2021, eq. 3).</summary>
/// <param name="at">The place; parts <c>norm1</c>, <c>attn</c>, <c>position_bias</c>, <c>norm2</c>, <c>mlp</c>.</param>
/// <param name="config">The model's shape.</param>
/// <param name="stage">The stage it belongs to.</param>
/// <param name="windows">How maps are cut.</param>
/// <param name="dropPath">How often a sample leaves out a branch while training.</param>
sealed class SwinBlock(ModuleScope at, SwinConfig config, int stage, Windows windows, float dropPath) : Block(at)
{
    readonly LayerNorm norm1 = new(at / "norm1", config.WidthOf(stage), config.Epsilon);
    readonly SelfAttention attention = new(at / "attn", config.WidthOf(stage), config.Heads[stage], config.QkvBias, config.Dropout);
    readonly RelativePositionBias bias = new(at / "position_bias", config.WindowOf(stage), config.Heads[stage]);
    readonly LayerNorm norm2 = new(at / "norm2", config.WidthOf(stage), config.Epsilon);
    readonly Mlp mlp = new(at / "mlp", config.WidthOf(stage), (int)(config.WidthOf(stage) * config.MlpRatio), config.Activation, config.Dropout);
    readonly DropPath dropPath = new(at / "drop_path", dropPath);

    /// <inheritdoc/>
    public override Variable Forward(Variable x)                                // [B, H, W, C]
    {
        x += dropPath.Forward(Attend(norm1.Forward(x)));
        return x + dropPath.Forward(mlp.Forward(norm2.Forward(x)));
    }

    Variable Attend(Variable x)                                                 // [B, H, W, C]
    {
        WindowLayout layout = windows.Over(x);
        Variable added = bias.Forward();                                        // [1, heads, N, N]
        if (layout.Mask is { } apart) added += apart;                           // [windows, heads, N, N]
        return layout.Merge(attention.Forward(layout.Split(x), added));
    }
}
