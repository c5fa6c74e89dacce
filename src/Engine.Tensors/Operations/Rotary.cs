namespace Engine.Tensors;

/// <summary>Rotary position embedding in the rotate-half form (Su et al. 2021; LLaMA's layout).</summary>
public static class Rotary
{
    /// <summary>
    /// The angles' cosines and sines for positions start, start + 1, ...: angle (p, i) is p * theta^(-2 i / D), computed on the host in
    /// double precision.
    /// </summary>
    /// <param name="theta">The base of the frequencies, 10000 in the paper.</param>
    /// <param name="headSize">D, even.</param>
    /// <param name="start">The first position.</param>
    /// <param name="count">How many positions.</param>
    /// <param name="scaling">Changes a frequency (radians a position), for contexts beyond the trained length; null for none.</param>
    /// <param name="device">Where the tables go; the default device if null.</param>
    /// <returns>Cosines and sines, float32 [count, D / 2].</returns>
    /// <exception cref="ShapeException">D is odd.</exception>
    public static (Tensor Cosine, Tensor Sine) Tables(
        double theta, int headSize, int start, int count, Func<double, double>? scaling = null, Device? device = null)
    {
        if (headSize < 2 || headSize % 2 != 0) throw new ShapeException($"Rotary: heads of size {headSize}; expected an even number.");
        int half = headSize / 2;
        float[] cosine = new float[count * half], sine = new float[count * half];
        for (int i = 0; i < half; i++)
        {
            double frequency = Math.Pow(theta, -2.0 * i / headSize);
            if (scaling is not null) frequency = scaling(frequency);
            for (int p = 0; p < count; p++)
            {
                (double s, double c) = Math.SinCos((start + p) * frequency);
                (sine[p * half + i], cosine[p * half + i]) = ((float)s, (float)c);
            }
        }

        return (Tensor.From(cosine, [count, half], device), Tensor.From(sine, [count, half], device));
    }

    /// <summary>Rotates each pair (x[i], x[i + D/2]) by its angle; the inverse rotates back, which is also the gradient.</summary>
    /// <param name="x">[B, H, N, D]</param>
    /// <param name="cosine">[N, D / 2]</param><param name="sine">[N, D / 2]</param>
    /// <param name="inverse">Rotate back.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine, bool inverse = false)
    {
        Require.Arithmetic("Rotary", x);
        Require.Rank("Rotary", "x", x, 4, "[B, H, N, D]");
        if (x.Shape[3] % 2 != 0) throw new ShapeException($"Rotary: x is {x.Shape}, expected an even last axis.");
        Shape table = [x.Shape[2], x.Shape[3] / 2];
        Require.SameDevice("Rotary", x, cosine);
        Require.SameDevice("Rotary", x, sine);
        Require.Shape("Rotary", "cosine", cosine, table);
        Require.Shape("Rotary", "sine", sine, table);
        Tensor y = x.EmptyLike();
        if (y.ElementCount > 0) x.Backend.Rotary(inverse, x, cosine.To(x.DType).Contiguous(), sine.To(x.DType).Contiguous(), y);
        return y;
    }
}
