namespace Engine.Training;

/// <summary>A class for every pixel of a picture.</summary>
public sealed class LabelMask
{
    /// <summary>The label of pixels that count nothing: PASCAL VOC's void, 255.</summary>
    public const byte Ignored = 255;

    /// <summary>The most classes that a mask can tell apart.</summary>
    public const int MaxClasses = Ignored;

    /// <summary>Wraps labels, without a copy.</summary>
    /// <param name="width">Pixels a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="labels">[height, width].</param>
    /// <exception cref="ArgumentException">The array's length is not height * width.</exception>
    public LabelMask(int width, int height, byte[] labels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Length != (long)width * height)
            throw new ArgumentException($"LabelMask: {width}x{height} labels take {(long)width * height} bytes, got {labels.Length}.", nameof(labels));
        (Width, Height, Labels) = (width, height, labels);
    }

    /// <summary>A mask of one label.</summary>
    public LabelMask(int width, int height, byte label = 0) : this(width, height, new byte[checked(Math.Max(width, 1) * Math.Max(height, 1))]) =>
        Labels.AsSpan().Fill(label);

    /// <summary>Pixels a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>[Height, Width]. Masks that a dataset hands out may be shared: write only to masks you made.</summary>
    public byte[] Labels { get; }

    /// <summary>One row, [Width].</summary>
    public Span<byte> Row(int y) => Labels.AsSpan(y * Width, Width);

    /// <summary>The label at a place.</summary>
    public byte this[int x, int y] => Row(y)[x];

    /// <summary>
    /// Scales to another size by the nearest pixel: that under the middle of the new one, as PIL's <c>NEAREST</c>. Labels are
    /// names, and a mean of two is neither.
    /// </summary>
    public LabelMask Resize(int width, int height)
    {
        var result = new LabelMask(width, height);
        var columns = new int[width];
        for (int x = 0; x < width; x++)
            columns[x] = (int)((2L * x + 1) * Width / (2L * width));
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> from = Row((int)((2L * y + 1) * Height / (2L * height)));
            var to = result.Row(y);
            for (int x = 0; x < width; x++)
                to[x] = from[columns[x]];
        }
        return result;
    }

    /// <summary>Cuts a rectangle out; what lies outside the mask is <see cref="Ignored"/>.</summary>
    public LabelMask Crop(PixelRectangle rectangle)
    {
        var result = new LabelMask(rectangle.Width, rectangle.Height, Ignored);
        int left = Math.Max(rectangle.Left, 0), right = Math.Min(rectangle.Left + rectangle.Width, Width);
        int top = Math.Max(rectangle.Top, 0), bottom = Math.Min(rectangle.Top + rectangle.Height, Height);
        if (left >= right)
            return result;
        for (int y = top; y < bottom; y++)
            Row(y)[left..right].CopyTo(result.Row(y - rectangle.Top)[(left - rectangle.Left)..]);
        return result;
    }

    /// <summary>Mirrors left and right.</summary>
    public LabelMask FlipHorizontally()
    {
        var result = new LabelMask(Width, Height, [.. Labels]);
        for (int y = 0; y < Height; y++)
            result.Row(y).Reverse();
        return result;
    }
}
