namespace Engine.Training;

/// <summary>
/// Turns 8-bit pixels into (x / 255 - mean) / std, planes apart. Each channel has 256 possible results, computed once
/// in float32 in torchvision's order of operations (ToTensor, then Normalize), so the values are torchvision's bits.
/// </summary>
public sealed class Normalizer
{
    readonly float[] table = new float[RgbImage.Channels * 256];

    /// <summary>Prepares the tables.</summary>
    public Normalizer(ChannelValues mean, ChannelValues std)
    {
        for (int channel = 0; channel < RgbImage.Channels; channel++)
            for (int value = 0; value < 256; value++)
                table[channel * 256 + value] = (value / 255f - mean[channel]) / std[channel];
    }

    /// <summary>[H, W, 3] bytes -> [3, H, W] floats.</summary>
    /// <exception cref="ArgumentException">The destination does not hold 3 * H * W values.</exception>
    public void Write(RgbImage image, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(image);
        int plane = image.Width * image.Height;
        if (destination.Length != RgbImage.Channels * plane)
            throw new ArgumentException($"Normalizer: an image of {image.Width}x{image.Height} gives {RgbImage.Channels * plane} values, the destination holds {destination.Length}.", nameof(destination));
        var red = destination[..plane];
        var green = destination.Slice(plane, plane);
        var blue = destination.Slice(2 * plane, plane);
        ReadOnlySpan<float> redOf = table.AsSpan(0, 256), greenOf = table.AsSpan(256, 256), blueOf = table.AsSpan(512, 256);
        ReadOnlySpan<byte> pixels = image.Pixels;
        for (int i = 0, p = 0; i < red.Length; i++, p += RgbImage.Channels)
        {
            red[i] = redOf[pixels[p]];
            green[i] = greenOf[pixels[p + 1]];
            blue[i] = blueOf[pixels[p + 2]];
        }
    }
}
