using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// See <see cref="Corruption.Fog"/>: with the image's largest value m, (x + density * cloud) * m / (m + density), the cloud
/// a plasma fractal of 0 .. 1 that is the same for all channels.
/// </summary>
static class Fog
{
    static readonly (float Density, float Decay)[] Cifar = [(0.2f, 3), (0.5f, 3), (0.75f, 2.5f), (1, 2), (1.5f, 1.75f)];
    static readonly (float Density, float Decay)[] TinyImageNet = [(0.4f, 3), (0.7f, 3), (1, 2.5f), (1.5f, 2), (2, 1.75f)];
    static readonly (float Density, float Decay)[] ImageNet = [(1.5f, 2), (2, 2), (2.5f, 1.7f), (2.5f, 1.5f), (3, 1.4f)];

    /// <summary>How thick the cloud is, and by what its roughness falls from one scale to the next, smaller one.</summary>
    public static (float Density, float Decay) Strength(CorruptionScale scale, int severity) => scale.At(severity, Cifar, TinyImageNet, ImageNet);

    public static void Apply(UnitImage image, (float Density, float Decay) strength, Philox random)
    {
        var cloud = new PlasmaFractal(Math.Max(image.Width, image.Height), strength.Decay, random);
        float most = 0;
        foreach (float value in image.Values)
            most = Math.Max(most, value);
        float scale = most / (most + strength.Density);
        for (int channel = 0; channel < RgbImage.Channels; channel++)
        {
            var plane = image.Plane(channel);
            for (int y = 0; y < image.Height; y++)
            {
                var density = cloud.Row(y);
                var row = plane.Slice(y * image.Width, image.Width);
                for (int x = 0; x < row.Length; x++)
                    row[x] = (row[x] + strength.Density * density[x]) * scale;
            }
        }
    }
}
