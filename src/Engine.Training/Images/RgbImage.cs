namespace Engine.Training;

/// <summary>An 8-bit RGB image in memory: [Height, Width, 3], rows from top to bottom, no padding.</summary>
public sealed class RgbImage
{
    /// <summary>Channels of every image.</summary>
    public const int Channels = 3;

    /// <summary>Wraps pixels; the array is not copied.</summary>
    /// <param name="width">Pixels a row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels">[height, width, 3].</param>
    /// <exception cref="ArgumentException">The array's length is not height * width * 3.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.Length != (long)width * height * Channels)
            throw new ArgumentException($"RgbImage: {width}x{height} pixels take {(long)width * height * Channels} bytes, got {pixels.Length}.", nameof(pixels));
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>A black image.</summary>
    public RgbImage(int width, int height) : this(width, height, new byte[checked(Math.Max(width, 1) * Math.Max(height, 1) * Channels)]) { }

    /// <summary>Pixels a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>[Height, Width, 3]. Images that a dataset hands out may be shared: write only to images you made.</summary>
    public byte[] Pixels { get; }

    /// <summary>Bytes a row.</summary>
    public int Stride => Width * Channels;

    /// <summary>One row, [Width, 3].</summary>
    public Span<byte> Row(int y) => Pixels.AsSpan(y * Stride, Stride);

    /// <summary>The colour at a place.</summary>
    public (byte R, byte G, byte B) this[int x, int y]
    {
        get
        {
            var pixel = Row(y).Slice(x * Channels, Channels);
            return (pixel[0], pixel[1], pixel[2]);
        }
    }
}
