using Engine.Autograd;

namespace Engine.Models;

/// <summary>Pre-norm transformer block of LLaMA (Touvron et al. 2023, section 2.2).</summary>
/// <param name="at">The place; parts <c>norm1</c>, <c>attn</c>, <c>norm2</c>, <c>mlp</c>.</param>
/// <param name="config">The model's shape.</param>
/// <param name="layer">The number of the block.</param>
sealed class LlamaBlock(ModuleScope at, LlamaConfig config, int layer) : Module(at)
{
    readonly RmsNorm norm1 = new(at / "norm1", config.Width, config.Epsilon);
    readonly LlamaAttention attention = new(at / "attn", config, layer);
    readonly RmsNorm norm2 = new(at / "norm2", config.Width, config.Epsilon);
    readonly GatedMlp mlp = new(at / "mlp", config.Width, config.MlpWidth, config.MlpBias);

    /// <summary>[B, N, D] to the same shape.</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="context">Positions, mask, past.</param>
    public Variable Forward(Variable x, LlamaContext context)
    {
        x += attention.Forward(norm1.Forward(x), context);                // [B, N, D]
        return x + mlp.Forward(norm2.Forward(x));                               // [B, N, D]
    }
}
