namespace Engine.Tensors;

/// <summary>
/// Tensors of random numbers. Element i of every method depends on nothing but the generator and offset * 4 + i: equal on
/// every device and for any number of threads. A tensor of n elements uses up (n + 3) / 4 blocks.
/// </summary>
public static class RandomNumbers
{
    // Uniform draws are multiples of 2^-24.
    const double HalfStep = 1.0 / (1 << 25);

    /// <summary>Uniform in [low, high).</summary>
    public static Tensor Uniform(Shape shape, Philox random, ulong offset = 0, float low = 0, float high = 1, DType dtype = DType.Float32, Device? device = null)
    {
        Tensor y = Draw(false, shape, random, offset, dtype, device);
        if (low != 0 || high != 1) Elementwise.MapInto(new Affine(high - low, low), y, y);
        return y;
    }

    /// <summary>Normal with a mean and a standard deviation.</summary>
    public static Tensor Normal(Shape shape, Philox random, ulong offset = 0, float mean = 0, float deviation = 1, DType dtype = DType.Float32, Device? device = null)
    {
        Tensor y = Draw(true, shape, random, offset, dtype, device);
        if (mean != 0 || deviation != 1) Elementwise.MapInto(new Affine(deviation, mean), y, y);
        return y;
    }

    /// <summary>
    /// Normal, cut off at [low, high], by inversion of the distribution function as torch's trunc_normal_ does: the bounds
    /// are values, not multiples of the deviation.
    /// </summary>
    public static Tensor TruncatedNormal(Shape shape, Philox random, ulong offset = 0, float mean = 0, float deviation = 1, float low = -2, float high = 2, DType dtype = DType.Float32, Device? device = null)
    {
        double from = Symmetric((low - mean) / deviation), to = Symmetric((high - mean) / deviation);
        Tensor y = Draw(false, shape, random, offset, dtype, device);

        // Half a step up: the draw that is exactly 0 would otherwise become minus infinity, an outlier at the lower bound.
        Elementwise.MapInto(new Affine((float)(to - from), (float)(from + (to - from) * HalfStep)), y, y);
        Elementwise.MapInto(default(NormalQuantile), y, y);
        Elementwise.MapInto(new Affine(deviation, mean), y, y);
        Elementwise.MapInto(new Clamp(low, high), y, y);
        return y;
    }

    // 2 Phi(z) - 1
    static double Symmetric(double z) => ErrorFunction.Double(z / Math.Sqrt(2));

    static Tensor Draw(bool normal, Shape shape, Philox random, ulong offset, DType dtype, Device? device)
    {
        Tensor y = Tensor.Empty(shape, dtype, device);
        Require.Arithmetic(normal ? "Normal" : "Uniform", y);
        if (y.ElementCount == 0) return y;
        if (normal) y.Backend.Normal(random, offset, y);
        else y.Backend.Uniform(random, offset, y);
        return y;
    }
}
