using System.Numerics.Tensors;

namespace Engine.Training;

/// <summary>
/// See <see cref="Corruption.DefocusBlur"/>: correlation with a disc whose steps are smoothed by a small Gaussian; beyond its
/// edge the image is mirrored about the edge pixel (OpenCV's default, <c>BORDER_REFLECT_101</c>).
/// </summary>
static class DefocusBlur
{
    static readonly (float Radius, float Smoothing)[] Cifar = [(0.3f, 0.4f), (0.4f, 0.5f), (0.5f, 0.6f), (1, 0.2f), (1.5f, 0.1f)];
    static readonly (float Radius, float Smoothing)[] TinyImageNet = [(0.5f, 0.6f), (1, 0.1f), (1.5f, 0.1f), (2.5f, 0.01f), (3, 0.1f)];
    static readonly (float Radius, float Smoothing)[] ImageNet = [(3, 0.1f), (4, 0.5f), (6, 0.5f), (8, 0.5f), (10, 0.5f)];

    /// <summary>The point spread function of a severity.</summary>
    public static DiscKernel Kernel(CorruptionScale scale, int severity)
    {
        var (radius, smoothing) = scale.At(severity, Cifar, TinyImageNet, ImageNet);
        return new DiscKernel(radius, smoothing);
    }

    public static void Apply(UnitImage image, DiscKernel kernel)
    {
        int reach = kernel.Reach, width = image.Width, height = image.Height;
        int stride = width + 2 * reach;
        var padded = new float[stride * (height + 2 * reach)];
        for (int channel = 0; channel < RgbImage.Channels; channel++)
        {
            var plane = image.Plane(channel);
            for (int y = 0; y < height + 2 * reach; y++)
            {
                var from = plane.Slice(Mirror(y - reach, height) * width, width);
                var to = padded.AsSpan(y * stride, stride);
                for (int x = 0; x < stride; x++)
                    to[x] = from[Mirror(x - reach, width)];
            }
            for (int y = 0; y < height; y++)
            {
                var row = plane.Slice(y * width, width);
                row.Clear();
                for (int dy = 0; dy < kernel.Side; dy++)
                    for (int dx = 0; dx < kernel.Side; dx++)
                        if (kernel[dx, dy] is var weight and not 0)
                            TensorPrimitives.MultiplyAdd(padded.AsSpan((y + dy) * stride + dx, width), weight, row, row);
            }
        }
    }

    /// <summary>... 2 1 | 0 1 2 ... n-1 | n-2 ...; images narrower than the kernel are mirrored more than once.</summary>
    static int Mirror(int place, int length)
    {
        if (length == 1)
            return 0;
        int period = 2 * (length - 1);
        place = (place % period + period) % period;
        return place < length ? place : period - place;
    }
}

/// <summary>
/// The pixels within a radius, equal weights that sum to 1, smoothed by a Gaussian of 3 x 3 taps, 5 x 5 where the radius is
/// beyond 8. OpenCV mirrors the disc at the edge of its array while smoothing, which makes the largest kernels up to 1.3 %
/// too bright; here the array is large enough, and the weights sum to 1.
/// </summary>
sealed class DiscKernel
{
    readonly float[] weights;

    public DiscKernel(float radius, float smoothing)
    {
        int taps = radius <= 8 ? 1 : 2;                     // of the Gaussian, to each side
        int disc = (int)radius;
        Reach = disc + taps;
        Span<double> gaussian = stackalloc double[2 * taps + 1];
        double sum = 0;
        for (int k = -taps; k <= taps; k++)
            sum += gaussian[k + taps] = Math.Exp(-k * k / (2.0 * smoothing * smoothing));
        var exact = new double[Side * Side];
        int count = 0;
        for (int y = -disc; y <= disc; y++)
            for (int x = -disc; x <= disc; x++)
            {
                if (x * x + y * y > radius * radius)
                    continue;
                count++;
                for (int dy = -taps; dy <= taps; dy++)
                    for (int dx = -taps; dx <= taps; dx++)
                        exact[(y + dy + Reach) * Side + x + dx + Reach] += gaussian[dy + taps] * gaussian[dx + taps];
            }
        weights = new float[exact.Length];
        for (int i = 0; i < exact.Length; i++)
            weights[i] = (float)(exact[i] / (sum * sum * count));
    }

    /// <summary>The largest distance from the middle.</summary>
    public int Reach { get; }

    public int Side => 2 * Reach + 1;

    /// <summary>The weight at a column and row; the middle is at [Reach, Reach].</summary>
    public float this[int x, int y] => weights[y * Side + x];
}
