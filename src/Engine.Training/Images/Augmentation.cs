using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// What is left to chance when training: a crop, then a mirror image. Without any of them the result is
/// <see cref="Preprocessing.Prepare"/>'s.
/// </summary>
public sealed record Augmentation
{
    /// <summary>Nothing is left to chance.</summary>
    public static Augmentation None { get; } = new();

    /// <summary>The usual recipe for large images: <see cref="RandomResizedCrop"/> with its defaults, half of the images mirrored.</summary>
    public static Augmentation ImageNet { get; } = new() { ResizedCrop = new RandomResizedCrop(), FlipProbability = 0.5f };

    /// <summary>The usual recipe for small images: padded by an eighth of the side and cropped back, half of them mirrored.</summary>
    public static Augmentation Small(int size) => new() { CropPadding = Math.Max(size / 8, 1), FlipProbability = 0.5f };

    /// <summary>A random part of the image scaled to the input, in place of resize and centre crop.</summary>
    public RandomResizedCrop? ResizedCrop { get; init; }

    /// <summary>Black pixels added at each side of the prepared image, before a crop of the input's size at a random place.</summary>
    public int CropPadding { get; init; }

    /// <summary>How often the image is mirrored left and right, 0 to 1.</summary>
    public float FlipProbability { get; init; }

    /// <summary>Any image -> [Size, Size, 3].</summary>
    public RgbImage Apply(RgbImage image, Preprocessing preprocessing, ref PhiloxSequence random)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(preprocessing);
        int size = preprocessing.Size;
        var result = ResizedCrop is { } crop
            ? Resampler.Resize(image, crop.Choose(image.Width, image.Height, ref random), size, size, preprocessing.Interpolation)
            : preprocessing.Prepare(image);
        if (CropPadding > 0)
        {
            int left = random.Below(2 * CropPadding + 1) - CropPadding, top = random.Below(2 * CropPadding + 1) - CropPadding;
            result = Cropping.Crop(result, new PixelRectangle(left, top, size, size));
        }
        return random.Chance(FlipProbability) ? Cropping.FlipHorizontally(result) : result;
    }
}

/// <summary>
/// Chooses a part of an image by area and aspect ratio, as torchvision's <c>RandomResizedCrop</c>: ten tries, then the
/// largest centred part of an allowed ratio.
/// </summary>
/// <param name="MinArea">The smallest part, as a fraction of the image's area.</param>
/// <param name="MaxArea">The largest part.</param>
/// <param name="MinRatio">The smallest width over height; ratios are drawn evenly on a logarithmic scale.</param>
/// <param name="MaxRatio">The largest width over height.</param>
public sealed record RandomResizedCrop(
    float MinArea = 0.08f, float MaxArea = 1f, float MinRatio = 3f / 4f, float MaxRatio = 4f / 3f)
{
    /// <summary>The part of an image of this size.</summary>
    public PixelRectangle Choose(int width, int height, ref PhiloxSequence random)
    {
        double area = (double)width * height;
        double logMin = Math.Log(MinRatio), logMax = Math.Log(MaxRatio);
        for (int attempt = 0; attempt < 10; attempt++)
        {
            double target = area * random.Uniform(MinArea, MaxArea);
            double ratio = Math.Exp(logMin + (logMax - logMin) * random.Uniform());
            int w = (int)Math.Round(Math.Sqrt(target * ratio));
            int h = (int)Math.Round(Math.Sqrt(target / ratio));
            if (w > 0 && w <= width && h > 0 && h <= height)
                return new PixelRectangle(random.Below(width - w + 1), random.Below(height - h + 1), w, h);
        }

        double actual = (double)width / height;
        int fallbackWidth = actual > MaxRatio ? (int)Math.Round(height * MaxRatio) : width;
        int fallbackHeight = actual < MinRatio ? (int)Math.Round(width / MinRatio) : height;
        return new PixelRectangle((width - fallbackWidth) / 2, (height - fallbackHeight) / 2, fallbackWidth, fallbackHeight);
    }
}
