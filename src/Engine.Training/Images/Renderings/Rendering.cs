namespace Engine.Training;

/// <summary>Ways to show a photograph so that its classes stay and its look changes: visual domains made of real images.</summary>
public enum Rendering
{
    /// <summary>As it is.</summary>
    Colour,

    /// <summary>Luma (ITU-R BT.601) in all channels.</summary>
    Grey,

    /// <summary>The magnitude of the luma's gradient by Sobel's operator, halved and clipped: bright edges on black.</summary>
    Edges,

    /// <summary>Four levels a channel: the upper two bits.</summary>
    Posterised,

    /// <summary>255 minus each channel.</summary>
    Negative,
}

/// <summary>Renders images.</summary>
public static class Renderings
{
    /// <summary>All there are.</summary>
    public static IReadOnlyList<Rendering> All { get; } = Enum.GetValues<Rendering>();

    /// <summary>A new image of the same size.</summary>
    /// <param name="image">What is shown; it stays as it is.</param>
    /// <param name="rendering">How.</param>
    public static RgbImage Apply(RgbImage image, Rendering rendering)
    {
        ArgumentNullException.ThrowIfNull(image);
        return rendering switch
        {
            Rendering.Colour => Each(image, value => value),
            Rendering.Posterised => Each(image, value => (byte)(value & 0xC0)),
            Rendering.Negative => Each(image, value => (byte)(255 - value)),
            Rendering.Grey => Grey(image, Luma(image)),
            Rendering.Edges => Grey(image, Edges(Luma(image), image.Width, image.Height)),
            _ => throw new ArgumentOutOfRangeException(nameof(rendering), rendering, "Apply: no such rendering."),
        };
    }

    static RgbImage Each(RgbImage image, Func<byte, byte> change) => new(image.Width, image.Height, Array.ConvertAll(image.Pixels, value => change(value)));

    static RgbImage Grey(RgbImage like, byte[] values)
    {
        RgbImage grey = new(like.Width, like.Height);
        for (int i = 0; i < values.Length; i++) grey.Pixels.AsSpan(i * RgbImage.Channels, RgbImage.Channels).Fill(values[i]);
        return grey;
    }

    static byte[] Luma(RgbImage image)
    {
        byte[] luma = new byte[image.Width * image.Height];
        for (int i = 0; i < luma.Length; i++)
        {
            ReadOnlySpan<byte> pixel = image.Pixels.AsSpan(i * RgbImage.Channels, RgbImage.Channels);
            luma[i] = (byte)((299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000);
        }

        return luma;
    }

    // At the border the nearest pixel stands for those outside.
    static byte[] Edges(byte[] luma, int width, int height)
    {
        byte[] edges = new byte[luma.Length];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int At(int dx, int dy) => luma[Math.Clamp(y + dy, 0, height - 1) * width + Math.Clamp(x + dx, 0, width - 1)];
                int across = At(1, -1) + 2 * At(1, 0) + At(1, 1) - At(-1, -1) - 2 * At(-1, 0) - At(-1, 1);
                int down = At(-1, 1) + 2 * At(0, 1) + At(1, 1) - At(-1, -1) - 2 * At(0, -1) - At(1, -1);
                edges[y * width + x] = (byte)Math.Min(Math.Sqrt(across * across + down * down) / 2, 255);
            }

        return edges;
    }
}
