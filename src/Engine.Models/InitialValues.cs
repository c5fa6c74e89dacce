using Engine.Tensors;

namespace Engine.Models;

/// <summary>How a fresh parameter starts.</summary>
public sealed class InitialValues
{
    readonly Func<Shape, RandomSource, DType, Device, Tensor> draw;

    InitialValues(Func<Shape, RandomSource, DType, Device, Tensor> draw) => this.draw = draw;

    /// <summary>0 everywhere.</summary>
    public static InitialValues Zeros { get; } = Constant(0);

    /// <summary>1 everywhere.</summary>
    public static InitialValues Ones { get; } = Constant(1);

    /// <summary>One value everywhere.</summary>
    public static InitialValues Constant(float value) =>
        new((shape, _, dtype, device) => Tensor.Full(shape, value, dtype, device));

    /// <summary>Normal with mean 0.</summary>
    public static InitialValues Normal(float deviation) =>
        new((shape, random, dtype, device) => RandomNumbers.Normal(shape, random.Next(), deviation: deviation, dtype: dtype, device: device));

    /// <summary>Normal with mean 0, cut off at -2 and 2 (values, not deviations, as vision transformers are usually started).</summary>
    public static InitialValues TruncatedNormal(float deviation) =>
        new((shape, random, dtype, device) => RandomNumbers.TruncatedNormal(shape, random.Next(), deviation: deviation, dtype: dtype, device: device));

    /// <summary>Uniform in [-bound, bound).</summary>
    public static InitialValues Uniform(float bound) =>
        new((shape, random, dtype, device) => RandomNumbers.Uniform(shape, random.Next(), low: -bound, high: bound, dtype: dtype, device: device));

    /// <summary>
    /// Uniform with the variance 2 / (inputs + outputs), which keeps the size of both activations and gradients from layer to
    /// layer (Glorot and Bengio 2010, eq. 16); the start of the vision transformer's original code. A fixed small deviation,
    /// such as BERT's 0.02, starts narrow models on a plateau.
    /// </summary>
    public static InitialValues Glorot(int inputs, int outputs) => Uniform(MathF.Sqrt(6f / (inputs + outputs)));

    /// <summary>Fresh values; each call of a random kind takes a stream of its own.</summary>
    public Tensor Draw(Shape shape, RandomSource random, DType dtype, Device device) => draw(shape, random, dtype, device);
}
