namespace Engine.Training;

/// <summary>Pictures of what a segmenter saw: masks in their colours, and laid over the picture.</summary>
public static class SegmentationPictures
{
    /// <summary>The folders of <see cref="Save"/>.</summary>
    public const string Masks = "masks", Overlays = "overlays";

    /// <summary>Blends a picture with the colours of its labels; ignored pixels stay as they are.</summary>
    /// <param name="image">Any size; it is scaled to the mask's.</param>
    /// <param name="mask">The labels.</param>
    /// <param name="opacity">The share of the colours, 0 to 1.</param>
    /// <param name="palette">The colour of each label; null for <see cref="VocPalette"/>.</param>
    public static RgbImage Overlay(RgbImage image, LabelMask mask, float opacity = 0.5f, IReadOnlyList<(byte R, byte G, byte B)>? palette = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(mask);
        palette ??= VocPalette.Colours;
        var result = Resampler.Resize(image, mask.Width, mask.Height, Interpolation.Bilinear);
        for (int i = 0; i < mask.Labels.Length; i++)
        {
            if (mask.Labels[i] == LabelMask.Ignored)
                continue;
            var (red, green, blue) = palette[mask.Labels[i]];
            var pixel = result.Pixels.AsSpan(i * RgbImage.Channels, RgbImage.Channels);
            pixel[0] = Mix(pixel[0], red);
            pixel[1] = Mix(pixel[1], green);
            pixel[2] = Mix(pixel[2], blue);
        }
        return result;

        byte Mix(byte below, byte above) => (byte)(below + opacity * (above - below) + 0.5f);
    }

    /// <summary>Writes <c>masks/NAME.png</c>, a palette PNG, and <c>overlays/NAME.png</c>; each appears whole or not at all.</summary>
    /// <exception cref="ImageException">A file cannot be written.</exception>
    public static void Save(string folder, string name, RgbImage image, LabelMask prediction)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        Directory.CreateDirectory(Path.Combine(folder, Masks));
        Directory.CreateDirectory(Path.Combine(folder, Overlays));
        IndexedPng.Save(prediction, Path.Combine(folder, Masks, name + ".png"));
        PngWriter.Save(Overlay(image, prediction), Path.Combine(folder, Overlays, name + ".png"));
    }
}
