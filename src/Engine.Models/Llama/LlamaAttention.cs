using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>What every block of a LLaMA sees of a sequence besides the states.</summary>
/// <param name="Cosine">[N, D / 2], of the positions.</param>
/// <param name="Sine">[N, D / 2]</param>
/// <param name="Mask">Broadcasts to [B, H, N, M], bool: who is seen, of those up to oneself; null for all.</param>
/// <param name="Past">Keys and values of what came before; null for none.</param>
readonly record struct LlamaContext(Tensor Cosine, Tensor Sine, Tensor? Mask, KeyValueCache? Past = null);

/// <summary>
/// Causal self-attention with rotary positions (Su et al. 2021) whose H query heads share G heads of keys and values
/// (Ainslie et al. 2023). Heads are views; nothing is copied but what is rotated.
/// </summary>
/// <param name="at">The place; linear layers <c>q</c>, <c>k</c>, <c>v</c> and <c>o</c>.</param>
/// <param name="config">The model's shape.</param>
/// <param name="layer">The number of the block.</param>
sealed class LlamaAttention(ModuleScope at, LlamaConfig config, int layer) : Module(at)
{
    readonly Linear query = new(at / "q", config.Width, config.Heads * config.HeadSize, config.AttentionBias);
    readonly Linear key = new(at / "k", config.Width, config.KeyValueHeads * config.HeadSize, config.AttentionBias);
    readonly Linear value = new(at / "v", config.Width, config.KeyValueHeads * config.HeadSize, config.AttentionBias);
    readonly Linear output = new(at / "o", config.Heads * config.HeadSize, config.Width, config.AttentionBias);

    /// <summary>Mixes the tokens of each sequence.</summary>
    /// <param name="x">[B, N, D]</param>
    /// <param name="context">Positions, mask, and the past, to which these tokens are added.</param>
    /// <returns>[B, N, D]</returns>
    public Variable Forward(Variable x, LlamaContext context)
    {
        Variable q = Functions.Rotary(Heads(query.Forward(x)), context.Cosine, context.Sine);      // [B, H, N, Dh]
        Variable k = Functions.Rotary(Heads(key.Forward(x)), context.Cosine, context.Sine);        // [B, G, N, Dh]
        Variable v = Heads(value.Forward(x));                                                      // [B, G, N, Dh]
        if (context.Past is { } past) (k, v) = past.Append(layer, k.Value, v.Value);               // [B, G, M, Dh]
        Variable? mask = context.Mask is null ? null : new(context.Mask);
        Variable mixed = Functions.Attention(q, k, v, mask, causal: true);                         // [B, H, N, Dh]
        return output.Forward(Functions.Reshape(Functions.Permute(mixed, 0, 2, 1, 3), x.Shape[0], x.Shape[1], -1));
    }

    Variable Heads(Variable x) =>                                                                  // [B, N, heads * Dh]
        Functions.Permute(Functions.Reshape(x, x.Shape[0], x.Shape[1], -1, config.HeadSize), 0, 2, 1, 3);
}
