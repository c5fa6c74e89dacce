using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// Bounds on the gradients of an arena, in place, before the optimizer's step. Only parameters that have a gradient count.
/// Nothing is read by the host, and the order of summation is fixed.
/// </summary>
public static class Clipping
{
    /// <summary>
    /// Scales all gradients by min(1, maximum / (norm + 1e-6)), where norm is the root of the sum of all squares (Pascanu et al.
    /// 2013; torch's clip_grad_norm_).
    /// </summary>
    /// <returns>[]: the norm before; reading it waits for the device.</returns>
    /// <exception cref="ArgumentException">maximum is negative or not finite.</exception>
    public static Tensor ByGlobalNorm(ParameterArena arena, double maximum)
    {
        ArgumentNullException.ThrowIfNull(arena);
        OptimizerOptions.NonNegative(maximum, nameof(maximum));
        List<Tensor> runs = ActiveRuns(arena);
        using StepScope scope = StepScope.Begin();
        Backend backend = arena.Device.Backend;
        Tensor sums = Tensor.Zeros([Math.Max(runs.Count, 1)], DType.Float32, arena.Device);
        for (int i = 0; i < runs.Count; i++) backend.Reduce(new SumOfSquares(), runs[i], sums.Slice(0, i, i + 1));
        Tensor norm = Tensor.Empty([1], DType.Float32, arena.Device), coefficient = norm.EmptyLike();
        backend.Reduce(new Sum(), sums, norm);
        backend.Map(new SquareRoot(), norm, norm);
        backend.Map(new ClipCoefficient(maximum), norm, coefficient);
        foreach (Tensor run in runs) backend.Map(new Multiply(), run, coefficient.Expand(run.Shape), run);
        return scope.Keep(norm).Reshape(Shape.Create([]));
    }

    /// <summary>Bounds every element of every gradient to [-limit, limit].</summary>
    /// <exception cref="ArgumentException">limit is negative or not finite.</exception>
    public static void ByValue(ParameterArena arena, double limit)
    {
        ArgumentNullException.ThrowIfNull(arena);
        OptimizerOptions.NonNegative(limit, nameof(limit));
        foreach (Tensor run in ActiveRuns(arena)) arena.Device.Backend.Map(new Clamp((float)-limit, (float)limit), run, run);
    }

    // Neighbouring segments with gradients as one view, the zeros between them included: usually the whole arena.
    static List<Tensor> ActiveRuns(ParameterArena arena)
    {
        List<Tensor> runs = [];
        int first = 0, end = 0;
        foreach (ArenaSegment segment in arena.Segments)
        {
            if (segment.Parameter.HasGradient)
            {
                if (first == end) first = segment.First;
                end = segment.First + segment.Length;
                continue;
            }

            Close();
        }

        Close();
        return runs;

        void Close()
        {
            if (end > first) runs.Add(arena.Gradients.Slice(0, first, end));
            first = end = 0;
        }
    }

    /// <summary>min(1, maximum / (x + 1e-6)) of a norm x. Public, as every formula: a GPU compiles it.</summary>
    public readonly struct ClipCoefficient(double maximum) : IUnary
    {
        readonly float maximum = (float)maximum;

        /// <inheritdoc/>
        public T Apply<T>(T norm) where T : struct, ILane<T> => T.Min(T.Of(maximum) / (norm + T.Of(1e-6)), T.Of(1.0));
    }
}
