using Engine.Tensors;

namespace Engine.Autograd;

/// <summary>
/// Compares the gradients of a function with central differences, in double precision: the test that every differentiable
/// operation has to pass, your own too.
/// </summary>
public static class GradCheck
{
    /// <summary>Checks dL/dx for every element of every input that requires a gradient, where L is a random weighting of the result.</summary>
    /// <param name="function">The function; it must give the same result for the same inputs.</param>
    /// <param name="inputs">float64; those without a gradient may have any type. Their values are changed and restored, their gradients left alone.</param>
    /// <param name="step">Half the distance of the central difference.</param>
    /// <param name="tolerance">What |gradient - difference| may be, relative to 1 + |difference|.</param>
    /// <param name="seed">Of the weighting.</param>
    /// <exception cref="GradientException">A gradient differs or is missing; the message says which element and both numbers.</exception>
    public static void Check(Func<Variable[], Variable> function, Variable[] inputs, double step = 1e-5, double tolerance = 1e-6, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(inputs);
        using StepScope scope = StepScope.Begin();
        inputs = [.. inputs.Select(input => new Variable(input.Value, input.RequiresGradient))];
        Variable result = function(inputs);
        double[] weights = new double[result.Value.ElementCount];
        Philox random = new(seed, 0);
        for (int i = 0; i < weights.Length; i++) weights[i] = random.Normal((ulong)i);
        if (weights.Length > 0) result.Backward(Tensor.From(weights, result.Shape, result.Value.Device));

        for (int i = 0; i < inputs.Length; i++)
        {
            Variable input = inputs[i];
            if (!input.RequiresGradient || input.Value.ElementCount == 0) continue;
            if (input.Value.DType != DType.Float64)
                throw new GradientException($"GradCheck: input {i} is {input.Value.DType}; differences need Float64.");
            double[] gradient = (input.Gradient ?? (weights.Length == 0 ? Tensor.Zeros(input.Shape, DType.Float64, input.Value.Device)
                : throw new GradientException($"GradCheck: input {i} {input.Shape} received no gradient."))).ToArray<double>();
            double[] values = input.Value.ToArray<double>();
            for (int k = 0; k < values.Length; k++)
            {
                double original = values[k];
                double above = Evaluate(function, inputs, input, values, k, original + step, weights);
                double below = Evaluate(function, inputs, input, values, k, original - step, weights);
                input.Value.CopyFrom<double>(Put(values, k, original));
                double difference = (above - below) / (2 * step);
                if (!(Math.Abs(gradient[k] - difference) <= tolerance * (1 + Math.Abs(difference))))
                    throw new GradientException(
                        $"GradCheck: input {i} {input.Shape}, element {k}: gradient {gradient[k]:R}, central difference {difference:R}.");
            }
        }
    }

    static double[] Put(double[] values, int index, double value)
    {
        values[index] = value;
        return values;
    }

    static double Evaluate(
        Func<Variable[], Variable> function, Variable[] inputs, Variable input, double[] values, int index, double value, double[] weights)
    {
        using StepScope scope = StepScope.Begin();
        using Tape.Pause pause = Tape.NoGradient();
        input.Value.CopyFrom<double>(Put(values, index, value));
        double[] result = function(inputs).Value.ToArray<double>();
        double sum = 0;
        for (int i = 0; i < result.Length; i++) sum += weights[i] * result[i];
        return sum;
    }
}
