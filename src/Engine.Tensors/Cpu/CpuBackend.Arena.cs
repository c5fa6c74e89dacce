namespace Engine.Tensors;

/// <content>Optimizer steps over the parameter arena.</content>
public sealed unsafe partial class CpuBackend
{
    // 32k elements: enough for a thread to be worth its call, few enough that the threads finish together.
    const int ChunksPerTask = 8;

    /// <inheritdoc/>
    public override void ArenaUpdate<TRule>(TRule rule, ArenaStep step)
    {
        Simd.Run(step.Weights.DType, new ArenaUpdateKernel<TRule>(rule, step));
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaProject(ArenaStep step)
    {
        Simd.Run(step.Weights.DType, new ArenaProjectKernel(step));
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaFold(ArenaStep step)
    {
        int* segments = Pointer<int>(step.Segments);
        float* partials = Pointer<float>(step.Partials!), scales = Pointer<float>(step.Scales!), scalars = Pointer<float>(step.Scalars);
        int count = step.Segments.Shape[0];
        float* trace = step.Trace is { } ring ? Pointer<float>(ring) + step.TraceStart : null;
        for (int segment = 0; segment < count; segment++)
        {
            float* options = scalars + (long)segment * ArenaStep.ScalarCount;
            float* first = partials + (long)segments[2 * segment] * 4;
            double product = 0, candidate = 0, difference = 0, gradient = 0;
            for (int chunk = 0; chunk < segments[2 * segment + 1]; chunk++, first += 4)
            {
                product += first[0];
                candidate += first[1];
                difference += first[2];
                gradient += first[3];
            }

            // Tian et al. 2024, eq. 3, 9 and 4. With a = |U - W0| and b = |W - W0|: (a - b) / a = (a^2 - b^2) / (a (a + b)).
            bool active = options[4] != 0;
            double condition = active ? -product : double.NaN;
            double after = Math.Sqrt(candidate), before = Math.Sqrt(Math.Max(candidate - difference, 0));
            double ratio = condition < 0 && after > 0 ? Math.Clamp(difference / (after * (after + before)), 0, 1) : 0;
            float scale = options[6] != 0 ? (float)(options[5] * ratio) : 0;
            scales[segment] = scale;
            if (trace == null) continue;
            float* row = trace + (long)segment * ArenaStep.TraceWidth;
            (row[0], row[1], row[2], row[3]) = ((float)condition, (float)ratio, (float)(Math.Abs(1 - (double)scale) * after), scale);
            (row[4], row[5]) = ((float)before, (float)Math.Sqrt(gradient));
        }

        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaMeasure<TMeasure>(TMeasure measure, ArenaStep step)
    {
        Simd.Run(step.Weights.DType, new ArenaMeasureKernel<TMeasure>(measure, step));
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaDecide<TDecision>(TDecision decision, ArenaStep step)
    {
        ThreadTeam.For(step.Segments.Shape[0], new ArenaDecidePass<TDecision>(decision, step).Task);
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaApply<TRule>(TRule rule, ArenaStep step)
    {
        Simd.Run(step.Weights.DType, new ArenaApplyKernel<TRule>(rule, step));
        GC.KeepAlive(step);
    }
}
