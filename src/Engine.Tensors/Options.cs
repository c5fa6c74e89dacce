namespace Engine.Tensors;

/// <summary>How two elements are compared.</summary>
public enum Comparison
{
    /// <summary>a == b</summary>
    Equal,

    /// <summary>a &lt; b</summary>
    Less,

    /// <summary>a &lt;= b</summary>
    LessOrEqual,
}

/// <summary>Options of the cross-entropy loss.</summary>
/// <param name="IgnoreIndex">A target that counts nothing; -100 as in torch.</param>
/// <param name="LabelSmoothing">The share of a target that is spread over all classes, 0 to 1 (Szegedy et al. 2016).</param>
public readonly record struct CrossEntropyOptions(int IgnoreIndex = -100, float LabelSmoothing = 0)
{
    /// <summary>Torch's defaults; without this constructor <c>new()</c> would ignore class 0.</summary>
    public CrossEntropyOptions()
        : this(-100)
    {
    }
}

/// <summary>Options of attention.</summary>
/// <param name="Scale">What the scores are multiplied with, normally 1 / sqrt(D).</param>
/// <param name="Causal">Query i sees keys up to i + M - N only: a sequence that continues a longer past.</param>
public readonly record struct AttentionOptions(float Scale, bool Causal = false);

/// <summary>The windows of a convolution or pooling over [B, C, H, W].</summary>
/// <param name="KernelHeight">Rows of the window.</param>
/// <param name="KernelWidth">Columns of the window.</param>
/// <param name="Stride">Step between windows, both axes.</param>
/// <param name="Padding">Rows and columns added on every side.</param>
/// <param name="Dilation">Distance between a window's elements.</param>
/// <param name="PaddingValue">What the padding holds: 0, or minus infinity for a maximum.</param>
public readonly record struct WindowOptions(
    int KernelHeight, int KernelWidth, int Stride = 1, int Padding = 0, int Dilation = 1, float PaddingValue = 0)
{
    /// <summary>Rows of windows over an input of that height.</summary>
    public int OutputHeight(int height) => Output(height, KernelHeight);

    /// <summary>Columns of windows over an input of that width.</summary>
    public int OutputWidth(int width) => Output(width, KernelWidth);

    int Output(int extent, int kernel) => (extent + 2 * Padding - Dilation * (kernel - 1) - 1) / Stride + 1;
}
