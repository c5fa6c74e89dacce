namespace Engine.Training;

/// <summary>What of a resized image the model sees.</summary>
public enum CropMode
{
    /// <summary>The shorter side is scaled to <see cref="Preprocessing.ResizeSize"/>, then the middle is cut out.</summary>
    Center,

    /// <summary>The whole image is scaled to a square, whatever its shape, then the middle is cut out.</summary>
    Squash,
}

/// <summary>
/// How an image becomes a model's input when nothing is left to chance: resize, centre crop, normalise. The fields are
/// those of timm's <c>pretrained_cfg</c>; the steps give the bytes of timm's and torchvision's evaluation transforms on
/// PIL images.
/// </summary>
/// <param name="Size">The side of the square input, in pixels.</param>
/// <param name="Mean">What is subtracted from each channel, on the scale of 0 .. 1.</param>
/// <param name="Std">What each channel is divided by.</param>
/// <param name="CropFraction">timm's <c>crop_pct</c>: the side of the input over the side resized to.</param>
/// <param name="CropMode">How the crop is taken.</param>
/// <param name="Interpolation">The filter of the resize.</param>
public sealed partial record Preprocessing(
    int Size,
    ChannelValues Mean,
    ChannelValues Std,
    double CropFraction = 0.875,
    CropMode CropMode = CropMode.Center,
    Interpolation Interpolation = Interpolation.Bicubic)
{
    /// <summary>The statistics of ImageNet's training images that most models were trained with.</summary>
    public static ChannelValues ImageNetMean => new(0.485f, 0.456f, 0.406f);

    /// <summary>See <see cref="ImageNetMean"/>.</summary>
    public static ChannelValues ImageNetStd => new(0.229f, 0.224f, 0.225f);

    /// <summary>Whole images of any shape as squares in [-1, 1]: what models trained here from scratch use.</summary>
    public static Preprocessing Plain(int size) =>
        new(size, ChannelValues.All(0.5f), ChannelValues.All(0.5f), CropFraction: 1, CropMode.Squash, Interpolation.Bilinear);

    /// <summary>The side that the image is resized to before the crop: floor(Size / CropFraction), as timm computes it.</summary>
    public int ResizeSize => (int)Math.Floor(Size / CropFraction);

    /// <summary>Floats a prepared image takes: 3 * Size * Size.</summary>
    public int PixelCount => RgbImage.Channels * Size * Size;

    /// <summary>Resizes and crops: any image -> [Size, Size, 3].</summary>
    public RgbImage Prepare(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        int side = ResizeSize;
        if (CropMode == CropMode.Squash)
            return Cropped(Resampler.Resize(image, side, side, Interpolation));

        // torchvision: the longer side is truncated, not rounded.
        var (width, height) = image.Width <= image.Height
            ? (side, (int)((long)side * image.Height / image.Width))
            : ((int)((long)side * image.Width / image.Height), side);
        return Cropped(Resampler.Resize(image, width, height, Interpolation));

        RgbImage Cropped(RgbImage resized) =>
            resized.Width == Size && resized.Height == Size ? resized : Cropping.Center(resized, Size, Size);
    }

    /// <summary>Prepares and normalises: any image -> [3, Size, Size].</summary>
    public float[] ToPixels(RgbImage image)
    {
        var pixels = new float[PixelCount];
        new Normalizer(Mean, Std).Write(Prepare(image), pixels);
        return pixels;
    }

    /// <summary>Why these values make no sense, or null.</summary>
    internal string? Fault()
    {
        if (Size is < 1 or > 65536)
            return $"input size is {Size}, expected 1 to 65536";
        if (!(CropFraction is > 0 and <= 2) || ResizeSize < 1)
            return $"crop_pct is {CropFraction}, expected a number in (0, 2]";
        for (int channel = 0; channel < RgbImage.Channels; channel++)
        {
            if (!float.IsFinite(Mean[channel]))
                return $"mean of channel {channel} is {Mean[channel]}";
            if (!float.IsFinite(Std[channel]) || Std[channel] == 0)
                return $"std of channel {channel} is {Std[channel]}, expected a number other than 0";
        }
        return null;
    }
}
