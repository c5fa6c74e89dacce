using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="CautiousAdamW"/>.</summary>
public sealed record CautiousOptions : AnchoredOptions
{
    /// <summary>True: decay leads to the pre-trained value instead of to zero, and so does the sign test.</summary>
    public bool TowardAnchor { get; init; }

    internal override AnchorOptions? AnchorChoice => TowardAnchor ? base.AnchorChoice : Projection?.Anchors;
}

/// <summary>
/// AdamW with cautious weight decay (Chen et al., ICLR 2026, arXiv 2510.12402, eq. 1): an element decays only where Adam's step leads the same way.
/// <code>
/// u = m^ / (sqrt v^ + eps)
/// w = w - lr (u + WeightDecay [u w >= 0] w)
/// </code>
/// The test of selective projection, element by element and with 0 as the anchor; <see cref="CautiousOptions.TowardAnchor"/> takes w0.
/// </summary>
public sealed class CautiousAdamW : Adam
{
    /// <summary>Cautious AdamW over an arena.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public CautiousAdamW(ParameterArena arena, CautiousOptions options) : base(arena, options, new OptimizerNeeds(Anchors: options?.TowardAnchor == true)) =>
        TowardAnchor = options!.TowardAnchor;

    bool TowardAnchor { get; }

    /// <inheritdoc/>
    protected override void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target)
    {
        base.WriteNumbers(segment, settings, target);
        target[2] = (float)(settings.LearningRate * settings.WeightDecay);
        target[3] = TowardAnchor && segment.IsAnchored ? 1 : 0;
    }

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        if (AmsGrad) backend.ArenaUpdate(new CautiousAmsGradRule(Moments), step);
        else backend.ArenaUpdate(new CautiousRule(Moments), step);
    }
}

/// <summary>w - s - C [s e >= 0] e with Adam's step s; e is w, or w - w0 where D is 1. C: lr decay.</summary>
public readonly struct CautiousRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T step = moments.Step(element.Gradient, ref element, scalars);
        return Decay(element, step, scalars);
    }

    /// <summary>The weight after step and decay.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Decay<T>(in ArenaElement<T> element, T step, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T excess = T.IfGreater(scalars.D, T.Of(0.5), element.Weight - element.Anchor, element.Weight);
        return element.Weight - step - T.IfGreater(T.Of(0.0), step * excess, T.Of(0.0), scalars.C * excess);
    }
}

/// <summary><see cref="CautiousRule"/> with the largest second moment as the third state.</summary>
public readonly struct CautiousAmsGradRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 3;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T step = moments.AmsGradStep(element.Gradient, ref element, scalars);
        return CautiousRule.Decay(element, step, scalars);
    }
}
