using Engine.Tensors;

namespace Engine.Training;

/// <summary>See <see cref="Corruption.GaussianNoise"/>: x + N(0, deviation^2), independently for every channel of every pixel.</summary>
static class GaussianNoise
{
    static readonly float[] Cifar = [0.04f, 0.06f, 0.08f, 0.09f, 0.10f];
    static readonly float[] TinyImageNet = [0.04f, 0.08f, 0.12f, 0.15f, 0.18f];
    static readonly float[] ImageNet = [0.08f, 0.12f, 0.18f, 0.26f, 0.38f];

    public static float Deviation(CorruptionScale scale, int severity) => scale.At(severity, Cifar, TinyImageNet, ImageNet);

    public static void Apply(UnitImage image, float deviation, Philox random)
    {
        var values = image.Values;
        Span<float> normal = stackalloc float[4];
        for (int i = 0; i < values.Length; i += 4)
        {
            var bits = random.At((ulong)(i / 4));
            (normal[0], normal[1]) = Philox.ToNormals(bits.X, bits.Y);
            (normal[2], normal[3]) = Philox.ToNormals(bits.Z, bits.W);
            for (int k = 0; k < Math.Min(4, values.Length - i); k++)
                values[i + k] += deviation * normal[k];
        }
    }
}
