using Engine.Autograd;

namespace Engine.Models;

/// <summary>Pre-norm transformer block (Dosovitskiy et al. 2021, eq. 2-3).</summary>
/// <param name="at">The place; parts <c>norm1</c>, <c>attn</c>, <c>norm2</c>, <c>mlp</c>, with layer scale <c>scale1</c> and <c>scale2</c>.</param>
/// <param name="config">The model's shape.</param>
/// <param name="dropPath">How often a sample leaves out a branch while training.</param>
public sealed class VitBlock(ModuleScope at, VitConfig config, float dropPath = 0) : Block(at)
{
    readonly LayerNorm norm1 = new(at / "norm1", config.Width, config.Epsilon);
    readonly SelfAttention attention = new(at / "attn", config.Width, config.Heads, config.QkvBias, config.Dropout);
    readonly LayerScale? scale1 = config.LayerScale is { } initial ? new(at / "scale1", config.Width, initial) : null;
    readonly LayerNorm norm2 = new(at / "norm2", config.Width, config.Epsilon);
    readonly Mlp mlp = new(at / "mlp", config.Width, config.MlpWidth, config.Activation, config.Dropout);
    readonly LayerScale? scale2 = config.LayerScale is { } initial ? new(at / "scale2", config.Width, initial) : null;
    readonly DropPath dropPath = new(at / "drop_path", dropPath);

    /// <inheritdoc/>
    public override Variable Forward(Variable x)                                // [B, N, D]
    {
        x += Branch(attention.Forward(norm1.Forward(x)), scale1);               // [B, N, D]
        return x + Branch(mlp.Forward(norm2.Forward(x)), scale2);               // [B, N, D]
    }

    Variable Branch(Variable x, LayerScale? scale) => dropPath.Forward(scale?.Forward(x) ?? x);
}
