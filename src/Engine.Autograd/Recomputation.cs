using Engine.Tensors;

namespace Engine.Autograd;

/// <content>Memory for time: what backward needs of a part of the graph is computed a second time instead of kept.</content>
public static partial class Tape
{
    /// <summary>
    /// Runs a part of a model and keeps nothing of it but its result; backward runs it again, recording, and goes through
    /// that (Chen et al. 2016, "Training deep nets with sublinear memory cost"). The gradients have the same bits as without;
    /// only where other operations use the input too may its gradient be summed in another order.
    /// </summary>
    /// <param name="segment">
    /// From the input to the result. It is called again in backward and must then do the same: depend on its input,
    /// parameters, constants and <paramref name="random"/> alone.
    /// </param>
    /// <param name="input">Any shape. No other result of the graph may enter the segment.</param>
    /// <param name="parameters">The parameters that the segment uses.</param>
    /// <param name="random">Where the segment's dropout comes from, or null; backward draws the same numbers once more.</param>
    public static Variable Recompute(
        Func<Variable, Variable> segment, Variable input, IReadOnlyList<Parameter> parameters, RandomSource? random = null)
    {
        ArgumentNullException.ThrowIfNull(segment);
        ArgumentNullException.ThrowIfNull(parameters);
        Variable[] inputs = [input, .. parameters];
        if (!Records(inputs)) return segment(input);
        ulong start = random?.Position ?? 0;
        Precision recorded = precision;
        Tensor result;
        using (StepScope temporaries = StepScope.Begin())
        using (NoGradient())
            result = temporaries.Keep(segment(input).Value);

        return Record(result, inputs, dy =>
        {
            ulong position = random?.Position ?? 0;
            if (random is not null) random.Position = start;
            try
            {
                // The parameters get their gradients from the pass within; the input's is the one to go on with.
                Tensor?[] gradients = new Tensor?[inputs.Length];
                using (Autocast(recorded)) gradients[0] = Replay(segment, input, dy);
                return gradients;
            }
            finally
            {
                if (random is not null) random.Position = position;
            }
        });
    }

    static Tensor? Replay(Func<Variable, Variable> segment, Variable input, Tensor dy)
    {
        using StepScope temporaries = StepScope.Begin();
        Variable x = new(input.Value, input.RequiresGradient);
        long begin = Interlocked.Read(ref sequence);
        Variable y = segment(x);
        if (!y.RequiresGradient) return null;
        using (BackwardPass pass = new(y, retain: false))
        {
            if (pass.Earliest <= begin)
                throw new GradientException("Recompute: the segment uses a result that was computed outside of it; only its input carries a gradient.");
            pass.Run(dy);
        }

        return x.Gradient is { } gradient ? temporaries.Keep(gradient) : null;
    }
}
