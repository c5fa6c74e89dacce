namespace Engine.Training;

/// <summary>Crops and mirror images, each a new image.</summary>
public static class Cropping
{
    /// <summary>Cuts a rectangle out; what lies outside the image is black.</summary>
    public static RgbImage Crop(RgbImage image, PixelRectangle rectangle)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new RgbImage(rectangle.Width, rectangle.Height);
        int left = Math.Max(rectangle.Left, 0), right = Math.Min(rectangle.Left + rectangle.Width, image.Width);
        int top = Math.Max(rectangle.Top, 0), bottom = Math.Min(rectangle.Top + rectangle.Height, image.Height);
        if (left >= right)
            return result;
        for (int y = top; y < bottom; y++)
            image.Row(y)[(left * RgbImage.Channels)..(right * RgbImage.Channels)]
                .CopyTo(result.Row(y - rectangle.Top)[((left - rectangle.Left) * RgbImage.Channels)..]);
        return result;
    }

    /// <summary>
    /// Cuts the middle out, as torchvision's <c>center_crop</c>: an axis that is too short is padded with black first,
    /// evenly, the odd pixel at the end; an odd remainder is rounded half to even.
    /// </summary>
    public static RgbImage Center(RgbImage image, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Crop(image, new PixelRectangle(Offset(image.Width, width), Offset(image.Height, height), width, height));

        static int Offset(int length, int wanted) =>
            wanted > length ? -((wanted - length) / 2) : (int)Math.Round((length - wanted) / 2.0, MidpointRounding.ToEven);
    }

    /// <summary>Mirrors left and right.</summary>
    public static RgbImage FlipHorizontally(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var result = new RgbImage(image.Width, image.Height);
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> row = image.Row(y);
            var mirrored = result.Row(y);
            for (int from = 0, to = row.Length - RgbImage.Channels; to >= 0; from += RgbImage.Channels, to -= RgbImage.Channels)
                row.Slice(from, RgbImage.Channels).CopyTo(mirrored[to..]);
        }
        return result;
    }
}
