using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="L2Sp"/> and <see cref="L2SpDecoupled"/>.</summary>
public sealed record L2SpOptions : AnchoredOptions
{
    /// <summary>The pull to zero of the parameters without an anchor: the beta of the paper.</summary>
    public double HeadDecay { get; init; }
}

/// <summary>
/// Adam on the loss with the L2-SP penalty (Li, Grandvalet and Davoine, ICML 2018, eq. 2):
/// WeightDecay / 2 |W - W0|^2 over anchored parameters, HeadDecay / 2 |W|^2 over the others.
/// </summary>
public sealed class L2Sp : Adam
{
    readonly L2SpOptions options;

    /// <summary>L2-SP over an arena, whose present values become the anchors.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public L2Sp(ParameterArena arena, L2SpOptions options) : base(arena, options, new OptimizerNeeds(Anchors: true))
    {
        this.options = options;
        OptimizerOptions.NonNegative(options.HeadDecay, nameof(options.HeadDecay));
    }

    /// <inheritdoc/>
    protected override double DefaultWeightDecay(ArenaSegment segment) => segment.IsAnchored ? options.WeightDecay : options.HeadDecay;

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        if (AmsGrad) backend.ArenaUpdate(new L2SpAmsGradRule(Moments), step);
        else backend.ArenaUpdate(new L2SpRule(Moments), step);
    }
}

/// <summary>Adam where the gradient is g + C (w - w0); a parameter without an anchor has w0 = 0.</summary>
public readonly struct L2SpRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        element.Weight - moments.Step(T.MulAdd(scalars.C, element.Weight - element.Anchor, element.Gradient), ref element, scalars);
}

/// <summary><see cref="L2SpRule"/> with the largest second moment as the third state.</summary>
public readonly struct L2SpAmsGradRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 3;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        element.Weight - moments.AmsGradStep(T.MulAdd(scalars.C, element.Weight - element.Anchor, element.Gradient), ref element, scalars);
}
