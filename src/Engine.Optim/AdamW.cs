using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019): w = (1 - lr decay) w - Adam's step.</summary>
/// <param name="arena">The parameters.</param>
/// <param name="options">The settings; torch's default weight decay would be 0.01, here it is what the options say.</param>
public sealed class AdamW(ParameterArena arena, AdamOptions options) : Adam(arena, options)
{
    /// <inheritdoc/>
    protected override void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target)
    {
        base.WriteNumbers(segment, settings, target);
        target[2] = (float)(1 - settings.LearningRate * settings.WeightDecay);
    }

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        if (AmsGrad) backend.ArenaUpdate(new AdamWAmsGradRule(Moments), step);
        else backend.ArenaUpdate(new AdamWRule(Moments), step);
    }
}

/// <summary>C w - Adam's step, where C is 1 - lr decay.</summary>
public readonly struct AdamWRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        scalars.C * element.Weight - moments.Step(element.Gradient, ref element, scalars);
}

/// <summary><see cref="AdamWRule"/> with the largest second moment as the third state.</summary>
public readonly struct AdamWAmsGradRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 3;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        scalars.C * element.Weight - moments.AmsGradStep(element.Gradient, ref element, scalars);
}
