using System.Runtime.CompilerServices;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Settings of <see cref="Sgd"/>.</summary>
public sealed record SgdOptions : OptimizerOptions
{
    /// <summary>The share of the previous direction that is kept, 0 to below 1; 0 keeps no state.</summary>
    public double Momentum { get; init; }

    /// <summary>How much less than 1 a new gradient counts in the momentum; not at a parameter's first step.</summary>
    public double Dampening { get; init; }

    /// <summary>Look ahead along the momentum (Sutskever et al. 2013).</summary>
    public bool Nesterov { get; init; }
}

/// <summary>Stochastic gradient descent with momentum, as torch defines it; weight decay is added to the gradient.</summary>
public sealed class Sgd : Optimizer
{
    readonly SgdOptions options;

    /// <summary>SGD over an arena.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range, or Nesterov comes without momentum or with dampening.</exception>
    public Sgd(ParameterArena arena, SgdOptions options) : base(arena, options, options?.Momentum > 0 ? 1 : 0)
    {
        this.options = options!;
        OptimizerOptions.Fraction(this.options.Momentum, nameof(options.Momentum));
        if (this.options.Nesterov && (this.options.Momentum == 0 || this.options.Dampening != 0))
            throw new ArgumentException("Nesterov needs momentum above 0 and no dampening.");
    }

    /// <inheritdoc/>
    protected override void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target)
    {
        target[0] = (float)settings.LearningRate;
        target[1] = (float)settings.WeightDecay;
        target[2] = settings.Step == 1 ? 1 : (float)(1 - options.Dampening);
    }

    /// <inheritdoc/>
    protected override void Update(Backend backend, ArenaStep step)
    {
        if (options.Momentum == 0) backend.ArenaUpdate(new SgdRule(), step);
        else if (options.Nesterov) backend.ArenaUpdate(new NesterovRule(options.Momentum), step);
        else backend.ArenaUpdate(new MomentumRule(options.Momentum), step);
    }
}

/// <summary>w - lr (g + decay w). A: lr, B: decay.</summary>
public readonly struct SgdRule : IUpdateRule
{
    /// <inheritdoc/>
    public int States => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T gradient = T.MulAdd(scalars.B, element.Weight, element.Gradient);
        return element.Weight - scalars.A * gradient;
    }
}

/// <summary>b = momentum b + (1 - dampening) g; w - lr b. A: lr, B: decay, C: 1 - dampening, 1 at the first step.</summary>
public readonly struct MomentumRule(double momentum) : IUpdateRule
{
    readonly float momentum = (float)momentum;

    /// <inheritdoc/>
    public int States => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T gradient = T.MulAdd(scalars.B, element.Weight, element.Gradient);
        element.First = T.MulAdd(T.Of(momentum), element.First, scalars.C * gradient);
        return element.Weight - scalars.A * element.First;
    }
}

/// <summary>b = momentum b + g; w - lr (g + momentum b). A: lr, B: decay.</summary>
public readonly struct NesterovRule(double momentum) : IUpdateRule
{
    readonly float momentum = (float)momentum;

    /// <inheritdoc/>
    public int States => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T gradient = T.MulAdd(scalars.B, element.Weight, element.Gradient);
        element.First = T.MulAdd(T.Of(momentum), element.First, gradient);
        return element.Weight - scalars.A * T.MulAdd(T.Of(momentum), element.First, gradient);
    }
}
