using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="Adam"/>.</summary>
public record AdamOptions : OptimizerOptions
{
    /// <summary>Decay of the first moment.</summary>
    public double BetaOne { get; init; } = 0.9;

    /// <summary>Decay of the second moment.</summary>
    public double BetaTwo { get; init; } = 0.999;

    /// <summary>Added to the root of the second moment.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Divide by the largest second moment so far (Reddi et al. 2018); a third state.</summary>
    public bool AmsGrad { get; init; }
}

/// <summary>Adam (Kingma and Ba 2015), as torch defines it; weight decay is added to the gradient (L2).</summary>
public class Adam : Optimizer
{
    readonly AdamOptions options;

    /// <summary>Adam over an arena.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public Adam(ParameterArena arena, AdamOptions options) : this(arena, options, default)
    {
    }

    /// <summary>Adam that asks more of the arena.</summary>
    protected Adam(ParameterArena arena, AdamOptions options, OptimizerNeeds needs)
        : base(arena, options, options?.AmsGrad == true ? 3 : 2, needs)
    {
        this.options = options!;
        OptimizerOptions.Fraction(this.options.BetaOne, nameof(options.BetaOne));
        OptimizerOptions.Fraction(this.options.BetaTwo, nameof(options.BetaTwo));
        OptimizerOptions.NonNegative(this.options.Epsilon, nameof(options.Epsilon));
    }

    /// <summary>Its settings.</summary>
    public AdamOptions Options => options;

    /// <summary>The moments with these settings' constants.</summary>
    protected AdamMoments Moments => new(options.BetaOne, options.BetaTwo, options.Epsilon);

    /// <summary>True if the third state holds the largest second moment.</summary>
    protected bool AmsGrad => options.AmsGrad;

    /// <inheritdoc/>
    protected override void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target)
    {
        target[0] = (float)(settings.LearningRate / (1 - Math.Pow(options.BetaOne, settings.Step)));
        target[1] = (float)(1 / Math.Sqrt(1 - Math.Pow(options.BetaTwo, settings.Step)));
        target[2] = (float)settings.WeightDecay;
    }

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        if (AmsGrad) backend.ArenaUpdate(new AdamAmsGradRule(Moments), step);
        else backend.ArenaUpdate(new AdamRule(Moments), step);
    }
}

/// <summary>
/// What all of Adam's kin share: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, and the step
/// lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + epsilon). A: lr / (1 - b1^t), B: 1 / sqrt(1 - b2^t).
/// </summary>
/// <param name="betaOne">b1.</param><param name="betaTwo">b2.</param><param name="epsilon">epsilon.</param>
public readonly struct AdamMoments(double betaOne, double betaTwo, double epsilon)
{
    // Each from the double: in floats 1 - 0.999f is off by 1e-5 of itself.
    readonly float betaOne = (float)betaOne, restOne = (float)(1 - betaOne);
    readonly float betaTwo = (float)betaTwo, restTwo = (float)(1 - betaTwo);
    readonly float epsilon = (float)epsilon;

    /// <summary>The step to subtract.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Step<T>(T gradient, ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        Accumulate(gradient, ref element);
        return Step(element.First, element.Second, scalars);
    }

    /// <summary>The step to subtract, by the largest v so far (of the raw moment, before its correction, as torch does).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T AmsGradStep<T>(T gradient, ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        Accumulate(gradient, ref element);
        element.Third = T.Max(element.Third, element.Second);
        return Step(element.First, element.Third, scalars);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Accumulate<T>(T gradient, ref ArenaElement<T> element) where T : struct, ILane<T>
    {
        element.First = T.MulAdd(T.Of(betaOne), element.First, T.Of(restOne) * gradient);
        element.Second = T.MulAdd(T.Of(betaTwo), element.Second, T.Of(restTwo) * gradient * gradient);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    T Step<T>(T first, T second, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        scalars.A * first / T.MulAdd(T.Sqrt(second), scalars.B, T.Of(epsilon));
}

/// <summary>Adam with L2 decay: the gradient is g + C w.</summary>
public readonly struct AdamRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 2;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        element.Weight - moments.Step(T.MulAdd(scalars.C, element.Weight, element.Gradient), ref element, scalars);
}

/// <summary><see cref="AdamRule"/> with the largest second moment as the third state.</summary>
public readonly struct AdamAmsGradRule(AdamMoments moments) : IUpdateRule
{
    readonly AdamMoments moments = moments;

    /// <inheritdoc/>
    public int States => 3;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T> =>
        element.Weight - moments.AmsGradStep(T.MulAdd(scalars.C, element.Weight, element.Gradient), ref element, scalars);
}
