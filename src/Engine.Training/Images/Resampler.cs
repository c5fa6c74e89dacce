using System.Buffers;
using System.Runtime.Intrinsics;

namespace Engine.Training;

/// <summary>
/// Antialiased resizing that gives PIL's bytes (<c>Image.resize</c> of an RGB image): the horizontal pass, then the
/// vertical one, each in 22-bit fixed point, rounded and clipped to 8 bits between them.
/// </summary>
public static class Resampler
{
    const int Channels = RgbImage.Channels;
    const int Half = 1 << (ResampleWeights.PrecisionBits - 1);

    /// <summary>Resizes a whole image.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height, Interpolation interpolation)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Resize(image, PixelRectangle.Of(image), width, height, interpolation);
    }

    /// <summary>Crops a rectangle and resizes it: pixels outside the rectangle have no influence.</summary>
    /// <exception cref="ArgumentException">The rectangle is not inside the image.</exception>
    public static RgbImage Resize(RgbImage image, PixelRectangle source, int width, int height, Interpolation interpolation)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (!source.IsInside(image))
            throw new ArgumentException($"Resize: {source} is not inside an image of {image.Width}x{image.Height}.", nameof(source));

        // As in PIL an axis of unchanged length is copied, not filtered (the result would be the same).
        if (source.Width == width && source.Height == height)
            return Cropping.Crop(image, source);
        if (source.Height == height)
        {
            var result = new RgbImage(width, height);
            Horizontal(image, source, ResampleWeights.Compute(source.Width, width, interpolation), result.Pixels, width);
            return result;
        }

        var output = new RgbImage(width, height);
        var vertical = ResampleWeights.Compute(source.Height, height, interpolation);
        if (source.Width == width)
        {
            Vertical(image.Pixels.AsSpan(source.Top * image.Stride + source.Left * Channels), image.Stride, vertical, output);
            return output;
        }
        byte[] narrowed = ArrayPool<byte>.Shared.Rent(source.Height * width * Channels);
        try
        {
            Horizontal(image, source, ResampleWeights.Compute(source.Width, width, interpolation), narrowed, width);
            Vertical(narrowed, width * Channels, vertical, output);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(narrowed);
        }
        return output;
    }

    /// <summary>[source.Height, source.Width, 3] -> [source.Height, width, 3].</summary>
    static void Horizontal(RgbImage image, PixelRectangle source, ResampleWeights weights, Span<byte> output, int width)
    {
        for (int y = 0; y < source.Height; y++)
        {
            var row = image.Row(source.Top + y).Slice(source.Left * Channels, source.Width * Channels);
            var line = output.Slice(y * width * Channels, width * Channels);
            for (int x = 0; x < width; x++)
            {
                var taps = weights.Of(x);
                var pixels = row.Slice(weights.Start[x] * Channels, taps.Length * Channels);
                int red = Half, green = Half, blue = Half;
                for (int k = 0, p = 0; k < taps.Length; k++, p += Channels)
                {
                    int weight = taps[k];
                    red += pixels[p] * weight;
                    green += pixels[p + 1] * weight;
                    blue += pixels[p + 2] * weight;
                }
                line[x * Channels] = Clip(red);
                line[x * Channels + 1] = Clip(green);
                line[x * Channels + 2] = Clip(blue);
            }
        }
    }

    /// <summary>Rows of <paramref name="input"/>, <paramref name="stride"/> bytes apart, -> the rows of the output.</summary>
    static void Vertical(ReadOnlySpan<byte> input, int stride, ResampleWeights weights, RgbImage output)
    {
        for (int y = 0; y < output.Height; y++)
        {
            var taps = weights.Of(y);
            var rows = input[(weights.Start[y] * stride)..];
            var line = output.Row(y);
            int i = 0;
            for (; i <= line.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
                Vertical16(rows[i..], stride, taps).CopyTo(line[i..]);
            for (; i < line.Length; i++)
            {
                int sum = Half;
                for (int k = 0; k < taps.Length; k++)
                    sum += rows[k * stride + i] * taps[k];
                line[i] = Clip(sum);
            }
        }
    }

    /// <summary>Sixteen neighbouring bytes of one output row.</summary>
    static Vector128<byte> Vertical16(ReadOnlySpan<byte> rows, int stride, ReadOnlySpan<int> taps)
    {
        Vector256<int> low = Vector256.Create(Half), high = low;
        for (int k = 0; k < taps.Length; k++)
        {
            var pixels = Vector128.Create(rows.Slice(k * stride, Vector128<byte>.Count));
            var (first, second) = Vector256.Widen(Vector128.WidenLower(pixels).ToVector256Unsafe().WithUpper(Vector128.WidenUpper(pixels)));
            low += first.AsInt32() * taps[k];
            high += second.AsInt32() * taps[k];
        }
        low = Vector256.Clamp(low >> ResampleWeights.PrecisionBits, Vector256<int>.Zero, Vector256.Create(255));
        high = Vector256.Clamp(high >> ResampleWeights.PrecisionBits, Vector256<int>.Zero, Vector256.Create(255));
        var words = Vector256.Narrow(low.AsUInt32(), high.AsUInt32());
        return Vector128.Narrow(words.GetLower(), words.GetUpper());
    }

    static byte Clip(int sum) => (byte)Math.Clamp(sum >> ResampleWeights.PrecisionBits, 0, 255);
}
