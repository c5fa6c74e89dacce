namespace Engine.Tensors;

/// <summary>
/// How the rotations of a model trained on short sequences are stretched for longer ones: by the rule of LLaMA 3.1, or, with
/// <see cref="Linear"/>, all alike.
/// </summary>
/// <param name="Factor">What low frequencies are divided by.</param>
/// <param name="LowFrequencyFactor">Frequencies that turn less often than this over the original length are low.</param>
/// <param name="HighFrequencyFactor">Frequencies that turn more often than this over the original length stay as they are.</param>
/// <param name="OriginalLength">The length the model was trained on.</param>
public readonly record struct RotaryScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalLength)
{
    /// <summary>Position interpolation (Chen et al. 2023): every frequency is divided by the factor, as if all were low.</summary>
    public static RotaryScaling Linear(double factor) => new(factor, double.PositiveInfinity, double.PositiveInfinity, 1);
}

/// <summary>Rotary position embedding, rotate-half form (Su et al. 2021).</summary>
public static class Rotary
{
    /// <summary>Cosines and sines of all positions, computed in double: angle = position * theta^(-2 i / D).</summary>
    /// <param name="theta">The base, 10000 in the paper, 500000 in LLaMA 3.</param>
    /// <param name="headSize">D, even.</param>
    /// <param name="start">The first position.</param>
    /// <param name="count">How many positions.</param>
    /// <param name="scaling">Of a model with stretched context, or null.</param>
    /// <param name="dtype">Float32 or Float64.</param>
    /// <param name="device">Where the tables lie; null for the default device.</param>
    /// <returns>Each [count, D / 2].</returns>
    /// <exception cref="ShapeException">D is odd or not positive, or count is negative.</exception>
    public static (Tensor Cosine, Tensor Sine) Tables(
        double theta, int headSize, int start, int count, RotaryScaling? scaling = null, DType dtype = DType.Float32, Device? device = null)
    {
        if (headSize < 2 || headSize % 2 != 0) throw new ShapeException($"Rotary: head size {headSize} is not even.");
        if (count < 0) throw new ShapeException($"Rotary: {count} positions asked for.");
        int half = headSize / 2;
        double[] cosine = new double[count * half], sine = new double[count * half];
        for (int i = 0; i < half; i++)
        {
            double frequency = Math.Pow(theta, -2.0 * i / headSize);
            if (scaling is { } stretch) frequency = Stretched(frequency, stretch);
            for (int n = 0; n < count; n++) (sine[n * half + i], cosine[n * half + i]) = Math.SinCos((start + (double)n) * frequency);
        }

        Shape shape = [count, half];
        return (Table(cosine, shape, dtype, device), Table(sine, shape, dtype, device));
    }

    /// <summary>Rotates the pairs (x_i, x_{i + D/2}) of every position by its angles.</summary>
    /// <param name="x">[B, H, N, D], any strides.</param>
    /// <param name="cosine">[N, D / 2]</param>
    /// <param name="sine">[N, D / 2]</param>
    /// <param name="inverse">Rotates back: the gradient.</param>
    /// <returns>[B, H, N, D]; in memory [B, N, H, D] where x is so, that merging the heads of the gradient copies nothing</returns>
    /// <exception cref="ShapeException">The shapes or element types do not fit.</exception>
    public static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine, bool inverse = false)
    {
        Require.Floating("Rotary", x);
        Require.Rank("Rotary", "x", x, 4, "[B, H, N, D]");
        Require.Alike("Rotary", x, cosine);
        Require.Alike("Rotary", x, sine);
        if (x.Shape[3] % 2 != 0) throw new ShapeException($"Rotary: x is {x.Shape}, the head size {x.Shape[3]} is not even.");
        Shape tables = [x.Shape[2], x.Shape[3] / 2];
        Require.Shape("Rotary", "cosine", cosine, tables);
        Require.Shape("Rotary", "sine", sine, tables);
        Tensor y = x.Strides[2] > x.Strides[1]
            ? x.EmptyLike([x.Shape[0], x.Shape[2], x.Shape[1], x.Shape[3]]).Permute(0, 2, 1, 3) : x.EmptyLike();
        if (y.ElementCount > 0) x.Backend.Rotary(inverse, x, cosine.Contiguous(), sine.Contiguous(), y);
        return y;
    }

    // LLaMA 3.1's rule: between the two factors, high and stretched frequencies are mixed.
    static double Stretched(double frequency, RotaryScaling scaling)
    {
        double turns = scaling.OriginalLength * frequency / (2 * Math.PI);
        if (turns < scaling.LowFrequencyFactor) return frequency / scaling.Factor;
        if (turns > scaling.HighFrequencyFactor) return frequency;
        double mix = (turns - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return (1 - mix) * frequency / scaling.Factor + mix * frequency;
    }

    static Tensor Table(double[] elements, Shape shape, DType dtype, Device? device) =>
        dtype == DType.Float64 ? Tensor.From(elements, shape, device) : Tensor.From(Array.ConvertAll(elements, e => (float)e), shape, device).To(dtype);
}
