namespace Engine.Autograd;

/// <summary>What a model computes in; its parameters, their gradients and the optimizer's state are float32 in any case.</summary>
public enum Precision
{
    /// <summary>float32 throughout.</summary>
    Float32,

    /// <summary>
    /// Mixed precision (Micikevicius et al. 2018) with bfloat16, whose range is float32's, so that losses need no scaling:
    /// activations and copies of the weights have 16 bits, sums, statistics, losses and gradients of weights float32.
    /// </summary>
    BFloat16,
}
