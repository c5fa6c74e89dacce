namespace Engine.Training;

/// <summary>
/// Four of the common corruptions of Hendrycks and Dietterich 2019, "Benchmarking neural network robustness to common
/// corruptions and perturbations" (ImageNet-C), one of each of its groups: noise, blur, weather, digital.
/// </summary>
public enum Corruption
{
    /// <summary>Normal noise on every value, as of a sensor in low light.</summary>
    GaussianNoise,

    /// <summary>A lens out of focus: every point becomes a disc.</summary>
    DefocusBlur,

    /// <summary>A cloud of fractal density before the scene.</summary>
    Fog,

    /// <summary>Daylight too strong: the value channel raised.</summary>
    Brightness,
}

/// <summary>Applies corruptions to images.</summary>
/// <remarks>
/// The strengths are those of the authors' generators for ImageNet-C, Tiny ImageNet-C and CIFAR-10-C (see
/// <see cref="CorruptionScale"/>). Results are rounded to 8 bits, where the authors' code truncates and then stores JPEG:
/// figures are comparable in kind, not to the last digit.
/// </remarks>
public static class Corruptions
{
    /// <summary>Severities go from 1, slight, to this.</summary>
    public const int MaxSeverity = 5;

    /// <summary>Every corruption.</summary>
    public static IReadOnlyList<Corruption> All { get; } = Enum.GetValues<Corruption>();

    /// <summary>The word for a corruption on a command line and in tables: <c>noise</c>, <c>defocus</c>, <c>fog</c>, <c>brightness</c>.</summary>
    public static string Word(this Corruption corruption) => corruption switch
    {
        Corruption.GaussianNoise => "noise",
        Corruption.DefocusBlur => "defocus",
        Corruption.Fog => "fog",
        Corruption.Brightness => "brightness",
        _ => throw new ArgumentOutOfRangeException(nameof(corruption), corruption, "Corruption: no such corruption."),
    };

    /// <summary>Corrupts an image at the strengths for its size; the image itself stays as it is.</summary>
    /// <param name="image">Any size.</param>
    /// <param name="corruption">Which.</param>
    /// <param name="severity">1 to 5.</param>
    /// <param name="seed">Decides what is left to chance, with the corruption, the severity and the image's number.</param>
    /// <param name="index">The image's number in its dataset: the same image is always corrupted the same way.</param>
    /// <returns>A new image of the same size.</returns>
    public static RgbImage Apply(RgbImage image, Corruption corruption, int severity, ulong seed, int index)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Apply(image, corruption, severity, CorruptionScales.Of(image), seed, index);
    }

    /// <summary>Corrupts an image at the strengths of one of the published sets.</summary>
    /// <inheritdoc cref="Apply(RgbImage, Corruption, int, ulong, int)"/>
    public static RgbImage Apply(RgbImage image, Corruption corruption, int severity, CorruptionScale scale, ulong seed, int index)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfLessThan(severity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(severity, MaxSeverity);
        var random = RandomPurpose.Corrupt.Stream(seed, (int)corruption << 8 | severity, index);
        var pixels = new UnitImage(image);
        switch (corruption)
        {
            case Corruption.GaussianNoise: GaussianNoise.Apply(pixels, GaussianNoise.Deviation(scale, severity), random); break;
            case Corruption.DefocusBlur: DefocusBlur.Apply(pixels, DefocusBlur.Kernel(scale, severity)); break;
            case Corruption.Fog: Fog.Apply(pixels, Fog.Strength(scale, severity), random); break;
            case Corruption.Brightness: Brightness.Apply(pixels, Brightness.Raise(scale, severity)); break;
            default: throw new ArgumentOutOfRangeException(nameof(corruption), corruption, "Corruption: no such corruption.");
        }
        return pixels.ToBytes();
    }
}
