namespace Engine.Training;

/// <summary>An image on the scale of 0 to 1, planes apart, on its way through a corruption.</summary>
sealed class UnitImage
{
    public UnitImage(RgbImage image)
    {
        (Width, Height) = (image.Width, image.Height);
        Values = new float[RgbImage.Channels * PlaneSize];
        for (int i = 0, p = 0; i < PlaneSize; i++)
            for (int channel = 0; channel < RgbImage.Channels; channel++)
                Values[channel * PlaneSize + i] = image.Pixels[p++] / 255f;
    }

    public int Width { get; }

    public int Height { get; }

    public int PlaneSize => Width * Height;

    /// <summary>[3, Height, Width].</summary>
    public float[] Values { get; }

    /// <summary>[Height, Width] of a channel.</summary>
    public Span<float> Plane(int channel) => Values.AsSpan(channel * PlaneSize, PlaneSize);

    /// <summary>Clips to 0 .. 1 and rounds to 8 bits.</summary>
    public RgbImage ToBytes()
    {
        var result = new RgbImage(Width, Height);
        for (int i = 0, p = 0; i < PlaneSize; i++)
            for (int channel = 0; channel < RgbImage.Channels; channel++)
                result.Pixels[p++] = (byte)(Math.Clamp(Values[channel * PlaneSize + i], 0f, 1f) * 255f + 0.5f);
        return result;
    }
}
