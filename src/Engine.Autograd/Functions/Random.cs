using Engine.Tensors;

namespace Engine.Autograd;

// Randomness of training. The mask costs no memory: the gradient draws the same numbers again.
public static partial class Functions
{
    /// <summary>Sets each element to 0 with a probability and scales the others by 1 / (1 - p) (Srivastava et al. 2014).</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="probability">p, from 0 to below 1.</param>
    /// <param name="random">A stream nobody else has: <see cref="RandomSource.Next"/>.</param>
    public static Variable Dropout(Variable x, float probability, Philox random)
    {
        CheckProbability(probability, "Dropout");
        if (probability == 0) return x;
        return Tape.Record(Drop(x.Value, x.Shape, probability, random), [x], dy => Drop(dy, dy.Shape, probability, random));
    }

    /// <summary>As <see cref="Dropout"/>, for whole samples: stochastic depth (Huang et al. 2016).</summary>
    /// <param name="x">[B, ...]</param>
    /// <param name="probability">p, from 0 to below 1.</param>
    /// <param name="random">A stream nobody else has: <see cref="RandomSource.Next"/>.</param>
    public static Variable DropPath(Variable x, float probability, Philox random)
    {
        CheckProbability(probability, "DropPath");
        if (probability == 0) return x;
        if (x.Rank == 0) throw new ShapeException("DropPath: x is a single number, not [B, ...].");
        int[] samples = new int[x.Rank];
        Array.Fill(samples, 1);
        samples[0] = x.Shape[0];
        Shape shape = Shape.Create(samples);
        return Tape.Record(Drop(x.Value, shape, probability, random), [x], dy => Drop(dy, shape, probability, random));
    }

    static Tensor Drop(Tensor x, Shape shape, float probability, Philox random)
    {
        using StepScope temporaries = StepScope.Begin();
        // 16 bits are too few for the draws and for the scale.
        Tensor wide = x.To(x.DType.Accumulated()), uniform = RandomNumbers.Uniform(shape, random, dtype: wide.DType, device: x.Device);
        return temporaries.Keep(Elementwise.Map(new Dropout(1 - probability), wide, uniform).To(x.DType));
    }

    static void CheckProbability(float probability, string operation)
    {
        if (probability is not (>= 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), $"{operation}: the probability is {probability}, not from 0 to below 1.");
    }
}
