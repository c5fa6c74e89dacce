using Engine.Autograd;

namespace Engine.Models;

/// <summary>Multi-head self-attention with one fused projection to queries, keys and values (Vaswani et al. 2017).</summary>
/// <param name="at">The place; linear layers <c>qkv</c> and <c>proj</c>.</param>
/// <param name="width">Width of the sequence, a multiple of heads.</param>
/// <param name="heads">How many heads.</param>
/// <param name="qkvBias">False for a fused projection without bias.</param>
/// <param name="dropout">Of the result, while training.</param>
public sealed class SelfAttention(ModuleScope at, int width, int heads, bool qkvBias = true, float dropout = 0) : Module(at)
{
    readonly Linear qkv = new(at / "qkv", width, 3 * width, qkvBias);
    readonly Linear projection = new(at / "proj", width, width);
    readonly Dropout dropout = new(at / "drop", dropout);

    /// <summary>Mixes the tokens of each sequence.</summary>
    /// <param name="x">[B, N, width]</param>
    /// <param name="mask">Broadcasts to [B, heads, N, N], or repeats with a period that divides B: floats are added to the scores, booleans say who is seen.</param>
    /// <returns>[B, N, width]</returns>
    public Variable Forward(Variable x, Variable? mask = null)
    {
        Variable mixed = Functions.SelfAttention(qkv.Forward(x), heads, mask);  // [B, N, D]
        return dropout.Forward(projection.Forward(mixed));
    }
}
