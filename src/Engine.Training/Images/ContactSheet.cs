namespace Engine.Training;

/// <summary>Puts images of one size side by side, for a look at a dataset.</summary>
public static class ContactSheet
{
    const int Gap = 2;
    const byte GapShade = 255;

    /// <summary>Rows of <paramref name="columns"/> images with white lines between them.</summary>
    /// <param name="images">At least one; all of the first one's size.</param>
    /// <param name="columns">Images a row.</param>
    /// <param name="zoom">How many pixels of the sheet a pixel of an image takes, each way.</param>
    /// <exception cref="ArgumentException">No image, or sizes differ.</exception>
    public static RgbImage Of(IReadOnlyList<RgbImage> images, int columns, int zoom = 1)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfZero(images.Count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(zoom);
        int width = images[0].Width * zoom, height = images[0].Height * zoom;
        int rows = (images.Count + columns - 1) / columns;
        var sheet = new RgbImage(Gap + columns * (width + Gap), Gap + rows * (height + Gap));
        sheet.Pixels.AsSpan().Fill(GapShade);
        for (int i = 0; i < images.Count; i++)
        {
            var image = images[i];
            if (image.Width * zoom != width || image.Height * zoom != height)
                throw new ArgumentException($"ContactSheet: image {i} is {image.Width}x{image.Height}, the first {images[0].Width}x{images[0].Height}.", nameof(images));
            int left = Gap + i % columns * (width + Gap), top = Gap + i / columns * (height + Gap);
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<byte> from = image.Row(y / zoom);
                var to = sheet.Row(top + y)[(left * RgbImage.Channels)..];
                for (int x = 0; x < width; x++)
                    from.Slice(x / zoom * RgbImage.Channels, RgbImage.Channels).CopyTo(to[(x * RgbImage.Channels)..]);
            }
        }
        return sheet;
    }
}
