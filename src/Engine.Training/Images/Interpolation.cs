namespace Engine.Training;

/// <summary>The filter of a resize; each is PIL's of the same name, widened by the factor when scaling down.</summary>
public enum Interpolation
{
    /// <summary>The triangle filter, support 1.</summary>
    Bilinear,

    /// <summary>Keys' cubic convolution with a = -0.5, support 2.</summary>
    Bicubic,

    /// <summary>Windowed sinc, support 3.</summary>
    Lanczos,
}
