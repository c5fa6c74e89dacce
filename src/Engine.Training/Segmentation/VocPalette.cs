namespace Engine.Training;

/// <summary>
/// The colour map of PASCAL VOC: bit 0, 3 and 6 of a class are the upper bits of red, 1, 4 and 7 of green, 2 and 5 of blue,
/// the lowest of each the most significant. Class 0 is black, neighbours differ clearly, 255 is (224, 224, 192).
/// </summary>
public static class VocPalette
{
    /// <summary>The colours of all 256 labels.</summary>
    public static IReadOnlyList<(byte R, byte G, byte B)> Colours { get; } = [.. Enumerable.Range(0, 256).Select(ColourOf)];

    static (byte R, byte G, byte B) ColourOf(int label)
    {
        int red = 0, green = 0, blue = 0;
        for (int bit = 7; label > 0; bit--, label >>= 3)
        {
            red |= (label & 1) << bit;
            green |= (label >> 1 & 1) << bit;
            blue |= (label >> 2 & 1) << bit;
        }
        return ((byte)red, (byte)green, (byte)blue);
    }
}
