using System.Numerics;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Colours as red, green, blue of 0 .. 1, chosen by hue, saturation and luminance.</summary>
static class DrawnColour
{
    /// <summary>Luma weights of ITU-R BT.601.</summary>
    static readonly Vector3 Luma = new(0.299f, 0.587f, 0.114f);

    /// <summary>A random hue.</summary>
    public static Vector3 Random(ref PhiloxSequence random, float saturation, float luminance) =>
        Of(random.Uniform(), saturation, luminance);

    /// <summary>Two colours whose luminance differs by at least <paramref name="contrast"/>, either the brighter.</summary>
    public static (Vector3 Ground, Vector3 Figure) Pair(ref PhiloxSequence random, float saturation, float contrast)
    {
        float dark = random.Uniform(0.1f, 0.9f - contrast);
        float bright = random.Uniform(dark + contrast, 0.95f);
        var first = Random(ref random, saturation, dark);
        var second = Random(ref random, saturation, bright);
        return random.Chance(0.5f) ? (first, second) : (second, first);
    }

    /// <param name="hue">0 .. 1 around the colour circle from red.</param>
    /// <param name="saturation">0: grey, 1: the pure hue.</param>
    /// <param name="luminance">0: black; bright values of a dark hue lose saturation.</param>
    public static Vector3 Of(float hue, float saturation, float luminance)
    {
        var pure = new Vector3(Channel(hue), Channel(hue - 1f / 3), Channel(hue + 1f / 3));
        var mixed = Vector3.Lerp(Vector3.One, pure, saturation);
        var scaled = mixed * (luminance / Vector3.Dot(mixed, Luma));
        float peak = Math.Max(scaled.X, Math.Max(scaled.Y, scaled.Z));
        if (peak <= 1)
            return scaled;
        // Towards the grey of this luminance until the largest channel fits.
        return Vector3.Lerp(new Vector3(luminance), scaled, (1 - luminance) / (peak - luminance));

        static float Channel(float turn) => Math.Clamp(Math.Abs((turn - MathF.Floor(turn)) * 6 - 3) - 1, 0, 1);
    }
}
