namespace Engine.Models;

/// <summary>The nonlinearity between two linear layers.</summary>
public enum Activation
{
    /// <summary>x Phi(x) with the exact normal distribution (Hendrycks and Gimpel 2016).</summary>
    Gelu,

    /// <summary>GELU by tanh.</summary>
    GeluTanh,

    /// <summary>x sigmoid(1.702 x), as CLIP was trained with.</summary>
    QuickGelu,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x sigmoid(x), also called swish.</summary>
    Silu,

    /// <summary>tanh x, usual in the bottleneck of an adapter.</summary>
    Tanh,
}
