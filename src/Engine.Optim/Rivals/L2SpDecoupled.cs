using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// L2-SP outside of Adam, in the form of Tian et al. 2024 (eq. 2): with Adam's candidate U, W = U - WeightDecay (U - W0) for anchored
/// parameters and W = U - HeadDecay U for the others. The learning rate does not multiply the pull.
/// </summary>
public sealed class L2SpDecoupled : Adam
{
    readonly L2SpOptions options;

    /// <summary>Decoupled L2-SP over an arena, whose present values become the anchors.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public L2SpDecoupled(ParameterArena arena, L2SpOptions options) : base(arena, options, new OptimizerNeeds(Anchors: true))
    {
        this.options = options;
        OptimizerOptions.NonNegative(options.HeadDecay, nameof(options.HeadDecay));
    }

    /// <inheritdoc/>
    protected override double DefaultWeightDecay(ArenaSegment segment) => segment.IsAnchored ? options.WeightDecay : options.HeadDecay;

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        if (AmsGrad) backend.ArenaUpdate(new L2SpDecoupledAmsGradRule(Moments), step);
        else backend.ArenaUpdate(new L2SpDecoupledRule(Moments), step);
    }
}

/// <summary>u = w - Adam's step; u - C (u - w0).</summary>
public readonly struct L2SpDecoupledRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T candidate = element.Weight - moments.Step(element.Gradient, ref element, scalars);
        return candidate - scalars.C * (candidate - element.Anchor);
    }
}

/// <summary><see cref="L2SpDecoupledRule"/> with the largest second moment as the third state.</summary>
public readonly struct L2SpDecoupledAmsGradRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 3;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T candidate = element.Weight - moments.AmsGradStep(element.Gradient, ref element, scalars);
        return candidate - scalars.C * (candidate - element.Anchor);
    }
}
