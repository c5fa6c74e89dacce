using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// What is left to chance when training on pictures with masks: scale, place of the crop, mirror image, colours. Picture and
/// mask go the same way; the mask by the nearest pixel, and <see cref="LabelMask.Ignored"/> where the crop leaves the picture.
/// </summary>
public sealed record SegmentationAugmentation
{
    /// <summary>Nothing is left to chance: the shorter side is scaled to the input, the middle cut out.</summary>
    public static SegmentationAugmentation None { get; } = new() { MinScale = 1, MaxScale = 1, FlipProbability = 0, RandomCrop = false };

    /// <summary>The usual recipe: scales of 0.5 to 2, a random crop, half of the pictures mirrored, jittered colours.</summary>
    public static SegmentationAugmentation Usual { get; } = new() { Jitter = new PhotometricJitter() };

    /// <summary>The smallest scale; at 1 the picture's shorter side is the input's.</summary>
    public float MinScale { get; init; } = 0.5f;

    /// <summary>The largest scale; scales are drawn evenly.</summary>
    public float MaxScale { get; init; } = 2f;

    /// <summary>How often the picture is mirrored left and right, 0 to 1.</summary>
    public float FlipProbability { get; init; } = 0.5f;

    /// <summary>Whether the crop's place is random; otherwise it is the middle.</summary>
    public bool RandomCrop { get; init; } = true;

    /// <summary>How colours vary; null leaves them.</summary>
    public PhotometricJitter? Jitter { get; init; }

    /// <summary>Any picture with its mask -> both [Size, Size].</summary>
    public SegmentationSample Apply(SegmentationSample sample, Preprocessing preprocessing, ref PhiloxSequence random)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        int size = preprocessing.Size;
        float scale = MinScale < MaxScale ? random.Uniform(MinScale, MaxScale) : MinScale;
        var (width, height) = ScaledSize(sample.Image, size, scale);
        var image = Resampler.Resize(sample.Image, width, height, preprocessing.Interpolation);
        var mask = sample.Mask.Resize(width, height);

        var crop = new PixelRectangle(Offset(width, size, ref random), Offset(height, size, ref random), size, size);
        image = Cropping.Crop(image, crop);
        mask = mask.Crop(crop);
        if (random.Chance(FlipProbability))
            (image, mask) = (Cropping.FlipHorizontally(image), mask.FlipHorizontally());
        Jitter?.Apply(image, ref random);
        return new SegmentationSample(image, mask);
    }

    /// <summary>The size at which the shorter side is <paramref name="size"/> * <paramref name="scale"/>; the shape is kept, to a pixel.</summary>
    internal static (int Width, int Height) ScaledSize(RgbImage image, int size, double scale = 1)
    {
        double factor = size * scale / Math.Min(image.Width, image.Height);
        return (Math.Max((int)Math.Round(image.Width * factor), 1), Math.Max((int)Math.Round(image.Height * factor), 1));
    }

    /// <summary>Where the crop begins: anywhere inside a longer axis; before a shorter one, so that all of it is seen.</summary>
    int Offset(int length, int size, ref PhiloxSequence random)
    {
        int spare = Math.Abs(length - size);
        int offset = RandomCrop ? random.Below(spare + 1) : spare / 2;
        return length >= size ? offset : -offset;
    }
}

/// <summary>
/// Colours that vary, each change in half of the pictures: brightness, then contrast about middle grey, then saturation, as the
/// photometric distortion of SSD (Liu et al. 2016) without its hue.
/// </summary>
/// <param name="Brightness">The most that is added or taken, as a share of the range.</param>
/// <param name="Contrast">The factor lies between 1 - this and 1 + this.</param>
/// <param name="Saturation">The factor of the distance from grey lies between 1 - this and 1 + this.</param>
public sealed record PhotometricJitter(float Brightness = 0.125f, float Contrast = 0.5f, float Saturation = 0.5f)
{
    /// <summary>Changes an image in place.</summary>
    public void Apply(RgbImage image, ref PhiloxSequence random)
    {
        ArgumentNullException.ThrowIfNull(image);
        const float middle = 127.5f;
        float added = Draw(Brightness, ref random) * 255, contrast = 1 + Draw(Contrast, ref random), saturation = 1 + Draw(Saturation, ref random);
        for (int p = 0; p < image.Pixels.Length; p += RgbImage.Channels)
        {
            var pixel = image.Pixels.AsSpan(p, RgbImage.Channels);
            float grey = 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];       // BT.601
            for (int channel = 0; channel < RgbImage.Channels; channel++)
            {
                float value = grey + saturation * (pixel[channel] - grey);
                value = middle + contrast * (value + added - middle);
                pixel[channel] = (byte)(Math.Clamp(value, 0, 255) + 0.5f);
            }
        }

        static float Draw(float most, ref PhiloxSequence random)
        {
            float value = random.Uniform(-most, most);
            return random.Chance(0.5f) ? value : 0;
        }
    }
}
