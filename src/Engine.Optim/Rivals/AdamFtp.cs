using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="AdamFtp"/>.</summary>
public sealed record AdamFtpOptions : AnchoredOptions
{
    /// <summary>What a positive gradient of a radius is multiplied with: 1 lets radii shrink, 0 lets them only grow.</summary>
    public double Annealing { get; init; } = 1;

    /// <summary>The learning rate of the radii: the mu of the official code.</summary>
    public double RadiusLearningRate { get; init; } = 1e-2;
}

/// <summary>
/// Fast trainable projection (Tian et al., NeurIPS 2023, "Fast trainable projection for robust fine-tuning", algorithm 1; AdamP of GT-RIPL/FTP): a radius
/// a tensor, learned by Adam from the training gradient, and every row projected onto the ball of that radius by its L1 norm.
/// <code>
/// U = W - lr (m^ / (sqrt v^ + eps) + WeightDecay W),   d = U - W0,   n_j = |d_j|_1 + 1e-8
/// first step:  gamma = 1e-8
/// then:        a = sum over rows of (g_j . d_j') / n_j'       d', n' of the step before
///              gamma = clip(Adam(gamma, a > 0 ? Annealing a : a), 1e-8, max_j n_j)
/// W_j = W0_j + clip(gamma / n_j, 0, 1) d_j
/// </code>
/// The first step stays at the anchor. It keeps d, one number an element more than Adam. A parameter without an anchor takes U.
/// </summary>
public sealed class AdamFtp : Adam
{
    readonly AdamFtpOptions options;

    /// <summary>FTP over an arena, whose present values become the anchors.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public AdamFtp(ParameterArena arena, AdamFtpOptions options) : base(arena, options, new OptimizerNeeds(Anchors: true, Rows: ArenaGrain.Row, Extra: true))
    {
        this.options = options;
        OptimizerOptions.NonNegative(options.Annealing, nameof(options.Annealing));
        OptimizerOptions.NonNegative(options.RadiusLearningRate, nameof(options.RadiusLearningRate));
        if (options.Projection is not null) throw new ArgumentException("AdamFtp projects by itself; leave Projection out.");
    }

    /// <inheritdoc/>
    protected override void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target)
    {
        base.WriteNumbers(segment, settings, target);
        target[2] = (float)(1 - settings.LearningRate * settings.WeightDecay);
        target[3] = segment.IsAnchored ? 1 : 0;
        RadiusAdam.WriteNumbers(options.RadiusLearningRate, settings.Step, target);
    }

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        if (AmsGrad) backend.ArenaUpdate(new AdamWAmsGradRule(Moments), step);
        else backend.ArenaUpdate(new AdamWRule(Moments), step);
        ArenaStep differences = step with { First = step.Fourth, Second = null, Third = null };
        backend.ArenaMeasure(new FtpMeasure(), differences);
        backend.ArenaDecide(new FtpDecision(options.Annealing), differences);
        backend.ArenaApply(new FtpRule(), differences);
    }
}

/// <summary>A: |u - w0|, B: g d', where the weight is the candidate u and the first state d', the difference of the step before.</summary>
public readonly struct FtpMeasure : IArenaMeasure
{
    /// <inheritdoc/>
    public bool UsesGradient => true;

    /// <inheritdoc/>
    public bool UsesFirst => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>
    {
        ArenaTerms<T> terms = default;
        terms.A = T.Abs(element.Weight - element.Anchor);
        terms.B = element.Gradient * element.First;
        terms.C = terms.D = T.Of(0f);
        return terms;
    }
}

/// <summary>The radius of a tensor and the ratio of its rows. A segment remembers A: gamma, B and C: its moments; a row keeps n.</summary>
public readonly struct FtpDecision(double annealing) : IArenaDecision
{
    readonly float annealing = (float)annealing;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Gather<T>(in ArenaTerms<T> sums, T kept) where T : struct, ILane<T>
    {
        ArenaTerms<T> terms = default;
        terms.A = T.IfGreater(kept, T.Of(0.0), sums.B / kept, T.Of(0.0));
        terms.B = sums.A;
        terms.C = T.Of(0.0);
        terms.D = sums.A + T.Of(1e-8);
        return terms;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Decide<T>(in ArenaTerms<T> total, in ArenaScalars<T> scalars, ref ArenaTerms<T> memory) where T : struct, ILane<T>
    {
        T zero = T.Of(0.0), smallest = T.Of(1e-8), isFirst = T.IfGreater(memory.A, zero, zero, T.Of(1.0));
        T slope = T.IfGreater(total.A, zero, T.Of(annealing) * total.A, total.A);
        RadiusAdam.Accumulate(slope, ref memory);
        T learned = T.Min(T.Max(memory.A - RadiusAdam.Step(memory, scalars), smallest), total.D);
        memory.A = T.IfGreater(isFirst, T.Of(0.5), smallest, learned);
        ArenaTerms<T> trace = default;
        trace.A = slope;
        trace.B = memory.A;
        trace.C = total.B;
        trace.D = total.D;
        return trace;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Scale<T>(in ArenaTerms<T> sums, in ArenaScalars<T> scalars, in ArenaTerms<T> memory, ref T kept) where T : struct, ILane<T>
    {
        kept = sums.A + T.Of(1e-8);
        return T.IfGreater(scalars.D, T.Of(0.5), T.Min(memory.A / kept, T.Of(1.0)), T.Of(1.0));
    }
}

/// <summary>w0 + A (u - w0), u itself where A is 1; the first state becomes u - w0.</summary>
public readonly struct FtpRule : IUpdateRule
{
    /// <inheritdoc/>
    public int States => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        element.First = element.Weight - element.Anchor;
        return T.IfGreater(T.Of(1.0), scalars.A, T.MulAdd(scalars.A, element.First, element.Anchor), element.Weight);
    }
}

/// <summary>Adam with its usual constants on a number that a segment remembers: B and C are its moments, A the number.</summary>
static class RadiusAdam
{
    const double BetaOne = 0.9, BetaTwo = 0.999;

    /// <summary>Place 5: rate / (1 - b1^t). Place 6: 1 / (1 - b2^t).</summary>
    public static void WriteNumbers(double rate, long step, Span<float> target)
    {
        target[5] = (float)(rate / (1 - Math.Pow(BetaOne, step)));
        target[6] = (float)(1 / (1 - Math.Pow(BetaTwo, step)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate<T>(T slope, ref ArenaTerms<T> memory) where T : struct, ILane<T>
    {
        memory.B = T.Of(BetaOne) * memory.B + T.Of(1 - BetaOne) * slope;
        memory.C = T.Of(BetaTwo) * memory.C + T.Of(1 - BetaTwo) * slope * slope;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Step<T>(in ArenaTerms<T> memory, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        scalars.A * memory.B / (T.Sqrt(memory.C * scalars.B) + T.Of(1e-8));
}
