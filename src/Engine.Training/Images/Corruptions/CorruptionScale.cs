namespace Engine.Training;

/// <summary>
/// Whose strengths: the authors published three sets, since the blur that a large image bears leaves nothing of a small one.
/// </summary>
public enum CorruptionScale
{
    /// <summary>CIFAR-10-C, for images of 32 x 32.</summary>
    Cifar,

    /// <summary>Tiny ImageNet-C, for images of 64 x 64.</summary>
    TinyImageNet,

    /// <summary>ImageNet-C, for images of 224 x 224 and more.</summary>
    ImageNet,
}

static class CorruptionScales
{
    /// <summary>The set made for the size nearest to the shorter side, by ratio: up to 45 pixels, up to 119, above.</summary>
    public static CorruptionScale Of(RgbImage image) => Math.Min(image.Width, image.Height) switch
    {
        < 46 => CorruptionScale.Cifar,                  // sqrt(32 * 64) = 45.3
        < 120 => CorruptionScale.TinyImageNet,          // sqrt(64 * 224) = 119.7
        _ => CorruptionScale.ImageNet,
    };

    /// <summary>A row of five strengths for each scale.</summary>
    public static T At<T>(this CorruptionScale scale, int severity, T[] cifar, T[] tinyImageNet, T[] imageNet) => scale switch
    {
        CorruptionScale.Cifar => cifar[severity - 1],
        CorruptionScale.TinyImageNet => tinyImageNet[severity - 1],
        _ => imageNet[severity - 1],
    };
}
