using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>w - A (w - anchor): a row comes closer to its anchor by the share A.</summary>
public readonly struct PullRule : IUpdateRule
{
    /// <inheritdoc/>
    public int States => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        element.Weight - scalars.A * (element.Weight - element.Anchor);
}

/// <summary>
/// A: |U - W0|^2. B: |U - W0|^2 - |W - W0|^2 without its cancellation. C: g (W - W0). Weight is U, the first state W.
/// </summary>
public readonly struct SquaredProjectionMeasure : IArenaMeasure
{
    /// <inheritdoc/>
    public bool UsesGradient => true;

    /// <inheritdoc/>
    public bool UsesFirst => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>
    {
        T after = element.Weight - element.Anchor, before = element.First - element.Anchor;
        ArenaTerms<T> terms = default;
        terms.A = after * after;
        terms.B = (element.Weight - element.First) * (after + before);
        terms.C = element.Gradient * before;
        terms.D = T.Of(0f);
        return terms;
    }
}

/// <summary>A: |U - W0|, B: |U - W0| - |W - W0|, C: g (W - W0), element by element: L1 norms. Weight is U, the first state W.</summary>
public readonly struct AbsoluteProjectionMeasure : IArenaMeasure
{
    /// <inheritdoc/>
    public bool UsesGradient => true;

    /// <inheritdoc/>
    public bool UsesFirst => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>
    {
        T before = element.First - element.Anchor;
        ArenaTerms<T> terms = default;
        terms.A = T.Abs(element.Weight - element.Anchor);
        terms.B = terms.A - T.Abs(before);
        terms.C = element.Gradient * before;
        terms.D = T.Of(0f);
        return terms;
    }
}

/// <summary>
/// Condition, ratio and scale of selective projection (Tian et al. 2024, eq. 3, 9 and 4) with its variants. A segment remembers A: the
/// running mean of c, B: how often c was below 0, C: in how many steps, D: 1 where it is selected; a row keeps the running mean of its c.
/// Scalars: A the strength, B 1 if it may be applied, C the coin.
/// </summary>
public readonly struct ProjectionDecision(SelectiveProjectionOptions options) : IArenaDecision
{
    readonly float isSquared = options.Grain == ProjectionGrain.Tensor ? 1 : 0;
    readonly float isPerRow = options.Grain == ProjectionGrain.Row ? 1 : 0;
    readonly float decay = (float)options.ConditionDecay, rest = (float)(1 - options.ConditionDecay);

    // How much each reason to project counts: c below 0, c above 0, always, the coin.
    readonly float below = options.Ablation is ProjectionAblation.None or ProjectionAblation.ConditionWithoutRatio ? 1 : 0;
    readonly float above = options.Ablation == ProjectionAblation.InvertedCondition ? 1 : 0;
    readonly float always = options.Ablation is ProjectionAblation.AlwaysProject or ProjectionAblation.RatioWithoutCondition ? 1 : 0;
    readonly float random = options.Ablation == ProjectionAblation.RandomCondition ? 1 : 0;
    readonly float fullRatio = options.Ablation is ProjectionAblation.AlwaysProject or ProjectionAblation.ConditionWithoutRatio ? 1 : 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Gather<T>(in ArenaTerms<T> sums, T kept) where T : struct, ILane<T>
    {
        T norm = Norm(sums), selected = IsPerRow(Selected(Mean(kept, -sums.C)), T.Of(1.0)), ratio = Ratio(sums) * selected;
        ArenaTerms<T> terms = default;
        terms.A = sums.C;
        terms.B = norm;
        terms.C = norm * ratio;
        terms.D = ratio;
        return terms;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Decide<T>(in ArenaTerms<T> total, in ArenaScalars<T> scalars, ref ArenaTerms<T> memory) where T : struct, ILane<T>
    {
        T zero = T.Of(0.0), one = T.Of(1.0), c = -total.A;
        memory.A = Mean(memory.A, c);
        memory.B += T.IfGreater(zero, memory.A, one, zero);
        memory.C += one;
        T coin = T.IfGreater(memory.B / memory.C, scalars.C, one, zero);
        memory.D = IsPerRow(one, Selected(memory.A) + T.Of(random) * coin);
        ArenaTerms<T> trace = default;
        trace.A = c;
        trace.B = total.D * memory.D;
        trace.D = trace.B * scalars.A * scalars.B;
        trace.C = T.Abs(total.B - scalars.A * scalars.B * memory.D * total.C);
        return trace;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Scale<T>(in ArenaTerms<T> sums, in ArenaScalars<T> scalars, in ArenaTerms<T> memory, ref T kept) where T : struct, ILane<T>
    {
        kept = Mean(kept, -sums.C);
        return scalars.A * scalars.B * Ratio(sums) * IsPerRow(Selected(kept), memory.D);
    }

    T Mean<T>(T mean, T c) where T : struct, ILane<T> => T.Of(decay) * mean + T.Of(rest) * c;

    T IsPerRow<T>(T then, T otherwise) where T : struct, ILane<T> => T.IfGreater(T.Of(isPerRow), T.Of(0.5), then, otherwise);

    T Selected<T>(T c) where T : struct, ILane<T>
    {
        T zero = T.Of(0.0);
        return T.IfGreater(zero, c, T.Of(below), zero) + T.IfGreater(c, zero, T.Of(above), zero) + T.Of(always);
    }

    T Norm<T>(in ArenaTerms<T> sums) where T : struct, ILane<T> => T.IfGreater(T.Of(isSquared), T.Of(0.5), T.Sqrt(sums.A), sums.A);

    // With a = |U - W0| and b = |W - W0|: (a - b) / a, for squares (a^2 - b^2) / (a (a + b)).
    T Ratio<T>(in ArenaTerms<T> sums) where T : struct, ILane<T>
    {
        T zero = T.Of(0.0), one = T.Of(1.0), after = Norm(sums), before = T.Sqrt(T.Max(sums.A - sums.B, zero));
        T divisor = T.IfGreater(T.Of(isSquared), T.Of(0.5), after * (after + before), after);
        T ratio = T.IfGreater(after, zero, T.Min(T.Max(sums.B / divisor, zero), one), zero);
        return T.IfGreater(T.Of(fullRatio), T.Of(0.5), one, ratio);
    }
}
