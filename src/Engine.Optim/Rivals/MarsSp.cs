using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="MarsSp"/>.</summary>
public sealed record MarsSpOptions : AnchoredOptions
{
    /// <summary>How far a row may be from its pre-trained value, as the sum of the absolute differences: the k of the paper.</summary>
    public double Radius { get; init; } = 1;

    /// <summary>The same for parameters without an anchor, a new head, around zero; null leaves them free.</summary>
    public double? HeadRadius { get; init; }
}

/// <summary>
/// MARS-SP (Gouk, Hospedales and Pontil, ICLR 2021, "Distance-based regularisation of deep networks for fine-tuning", eq. 8): after
/// Adam's step each row j (an output neuron, a filter; a vector as a whole) is projected onto the ball around its pre-trained value.
/// <code>
/// d_j = W_j - W0_j
/// W_j = W0_j + d_j / max(1, |d_j|_1 / Radius)
/// </code>
/// </summary>
public sealed class MarsSp : Adam
{
    readonly MarsSpOptions options;

    /// <summary>MARS-SP over an arena, whose present values become the anchors.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public MarsSp(ParameterArena arena, MarsSpOptions options) : base(arena, options, new OptimizerNeeds(Anchors: true, Rows: ArenaGrain.Row))
    {
        this.options = options;
        OptimizerOptions.NonNegative(options.Radius, nameof(options.Radius));
        OptimizerOptions.NonNegative(options.HeadRadius ?? 0, nameof(options.HeadRadius));
    }

    /// <inheritdoc/>
    protected override void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target)
    {
        base.WriteNumbers(segment, settings, target);
        target[3] = (float)((segment.IsAnchored ? options.Radius : options.HeadRadius) ?? float.PositiveInfinity);
    }

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        base.Update(backend, step);
        backend.ArenaMeasure(new AbsoluteDistance(), step);
        backend.ArenaDecide(new BallDecision(), step);
        backend.ArenaApply(new PullRule(), step);
    }
}

/// <summary>A: |w - w0|.</summary>
public readonly struct AbsoluteDistance : IArenaMeasure
{
    /// <inheritdoc/>
    public bool UsesGradient => false;

    /// <inheritdoc/>
    public bool UsesFirst => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>
    {
        ArenaTerms<T> terms = default;
        terms.A = T.Abs(element.Weight - element.Anchor);
        terms.B = terms.C = terms.D = T.Of(0f);
        return terms;
    }
}

/// <summary>The share by which a row comes back to a ball of radius D: 1 - 1 / max(1, norm / D).</summary>
public readonly struct BallDecision : IArenaDecision
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Gather<T>(in ArenaTerms<T> sums, T kept) where T : struct, ILane<T> => sums;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Decide<T>(in ArenaTerms<T> total, in ArenaScalars<T> scalars, ref ArenaTerms<T> memory) where T : struct, ILane<T> => total;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Scale<T>(in ArenaTerms<T> sums, in ArenaScalars<T> scalars, in ArenaTerms<T> memory, ref T kept) where T : struct, ILane<T> =>
        T.IfGreater(sums.A, scalars.D, T.Of(1.0) - scalars.D / sums.A, T.Of(0.0));
}
