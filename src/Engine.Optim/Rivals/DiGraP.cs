using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="DiGraP"/>.</summary>
public sealed record DiGraPOptions : AnchoredOptions
{
    /// <summary>The learning rate of the projection strength omega: the mu of the paper.</summary>
    public double OmegaLearningRate { get; init; } = 1e-2;

    /// <summary>A strength that stays as it is, 0 to 1, instead of a learned one; null to learn it.</summary>
    public double? FixedOmega { get; init; }
}

/// <summary>
/// Directional gradient projection (Huang et al., ICLR 2025, arXiv 2502.15895, algorithm 1 and eq. 3-8): where the gradient wants to move a tensor
/// further from its anchor, its component along the way from there is taken out before Adam sees it.
/// <code>
/// d = W - W0,   p = (g . d / d . d) d
/// if g . d &lt; 0:   g = g - omega p
/// omega: 0 at first, then clip(Adam(omega, cos(g, p')), 0, 1), p' of the step before, the learning rate mu
/// </code>
/// The paper's hyper-gradient is alpha g . p' under a "normalization" that it does not name; here it is the cosine. Its algorithm's text
/// has the condition the other way round than its figure 1; this is the figure's, in which full projection means that no step leads outward.
/// It acts where selective projection (g . d above 0) does not, and the two go together.
/// </summary>
public sealed class DiGraP : Adam
{
    readonly DiGraPOptions options;

    /// <summary>DiGraP over an arena, whose present values become the anchors.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public DiGraP(ParameterArena arena, DiGraPOptions options) : base(arena, options, new OptimizerNeeds(Anchors: true, Rows: ArenaGrain.Tensor, Extra: true))
    {
        this.options = options;
        OptimizerOptions.NonNegative(options.OmegaLearningRate, nameof(options.OmegaLearningRate));
        if (options.FixedOmega is < 0 or > 1 or double.NaN) throw new ArgumentException($"FixedOmega is {options.FixedOmega}; it must be 0 to 1.");
        if (options.Projection is not null) throw new ArgumentException("DiGraP uses the numbers that Projection would; leave Projection out.");
    }

    /// <inheritdoc/>
    protected override void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target)
    {
        base.WriteNumbers(segment, settings, target);
        target[3] = segment.IsAnchored ? 1 : 0;
        RadiusAdam.WriteNumbers(options.OmegaLearningRate, settings.Step, target);
    }

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        backend.ArenaMeasure(new DirectionMeasure(), step with { First = step.Fourth });
        backend.ArenaDecide(new DirectionDecision(options.FixedOmega), step);

        // The gradients are what is scaled; the weights, which the rule takes its direction from, lie in their place.
        backend.ArenaApply(new DirectionRule(), step with { Weights = step.Gradients, Gradients = step.Weights, First = step.Fourth, Second = null, Third = null });
        base.Update(backend, step);
    }
}

/// <summary>A: g d, B: d d, C: g d', D: g g, where d = w - w0 and the first state is d' of the step before.</summary>
public readonly struct DirectionMeasure : IArenaMeasure
{
    /// <inheritdoc/>
    public bool UsesGradient => true;

    /// <inheritdoc/>
    public bool UsesFirst => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>
    {
        T difference = element.Weight - element.Anchor;
        ArenaTerms<T> terms = default;
        terms.A = element.Gradient * difference;
        terms.B = difference * difference;
        terms.C = element.Gradient * element.First;
        terms.D = element.Gradient * element.Gradient;
        return terms;
    }
}

/// <summary>
/// omega, and what of d is taken off the gradient. A segment remembers A: omega, B and C: its moments; its one row keeps |d| with the sign
/// of g . d, which is the sign of p along d.
/// </summary>
public readonly struct DirectionDecision(double? fixedOmega) : IArenaDecision
{
    readonly float fixedOmega = (float)(fixedOmega ?? 0), isFixed = fixedOmega is null ? 0 : 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Gather<T>(in ArenaTerms<T> sums, T kept) where T : struct, ILane<T>
    {
        T zero = T.Of(0.0), norms = kept * T.Sqrt(sums.D);
        ArenaTerms<T> terms = default;
        terms.A = sums.A;
        terms.B = sums.B;
        terms.C = T.IfGreater(T.Abs(norms), zero, sums.C / norms, zero);
        terms.D = zero;
        return terms;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Decide<T>(in ArenaTerms<T> total, in ArenaScalars<T> scalars, ref ArenaTerms<T> memory) where T : struct, ILane<T>
    {
        RadiusAdam.Accumulate(total.C, ref memory);
        T learned = T.Min(T.Max(memory.A - RadiusAdam.Step(memory, scalars), T.Of(0.0)), T.Of(1.0));
        memory.A = T.IfGreater(T.Of(isFixed), T.Of(0.5), T.Of(fixedOmega), learned);
        ArenaTerms<T> trace = default;
        trace.A = total.A;
        trace.B = memory.A;
        trace.C = T.Sqrt(total.B);
        trace.D = total.C;
        return trace;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Scale<T>(in ArenaTerms<T> sums, in ArenaScalars<T> scalars, in ArenaTerms<T> memory, ref T kept) where T : struct, ILane<T>
    {
        T zero = T.Of(0.0), share = T.IfGreater(sums.B, zero, sums.A / sums.B, zero), length = T.Sqrt(sums.B);
        kept = T.IfGreater(zero, sums.A, -length, T.IfGreater(sums.A, zero, length, zero));
        return T.IfGreater(zero, sums.A, memory.A * share * scalars.D, zero);
    }
}

/// <summary>g - A (w - w0), where what is updated is the gradient and w stands in the gradient's place; the first state becomes w - w0.</summary>
public readonly struct DirectionRule : IUpdateRule
{
    /// <inheritdoc/>
    public int States => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        element.First = element.Gradient - element.Anchor;
        return element.Weight - scalars.A * element.First;
    }
}
