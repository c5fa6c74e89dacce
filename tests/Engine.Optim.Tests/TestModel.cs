using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim.Tests;

/// <summary>Parameters with drawn values, and gradients drawn for them step by step.</summary>
static class TestModel
{
    /// <summary>Sizes around the widths of vectors and the length of a chunk.</summary>
    public static readonly int[] AwkwardSizes = [1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 4095, 4096, 4097, 10007, 40000];

    public static Parameter[] Create(params ReadOnlySpan<int> sizes)
    {
        Parameter[] parameters = new Parameter[sizes.Length];
        for (int i = 0; i < sizes.Length; i++)
            parameters[i] = new($"layers.{i}.weight", Draw(1000 + i, sizes[i], 1)) { IsFresh = false };
        return parameters;
    }

    public static Tensor Draw(int seed, int size, double scale)
    {
        Random random = new(seed);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) values[i] = (float)((random.NextDouble() * 2 - 1) * scale);
        return Tensor.From(values, [size]);
    }

    /// <summary>A gradient for every parameter: a drift with noise, so that conditions of both signs occur.</summary>
    public static void Differentiate(Parameter[] parameters, int step)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i].ZeroGradient();
            parameters[i].Backward(Draw(7919 * step + i, (int)parameters[i].Value.ElementCount, 1).Reshape(parameters[i].Shape));
        }
    }

    public static void Train(Optimizer optimizer, Parameter[] parameters, int from, int to)
    {
        for (int step = from; step < to; step++)
        {
            optimizer.ZeroGradients();
            Differentiate(parameters, step);
            optimizer.Step();
        }
    }

    public static float[] Weights(ParameterArena arena) => arena.Weights.ToArray<float>();
}
