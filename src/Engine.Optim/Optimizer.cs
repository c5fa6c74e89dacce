using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// What turns gradients into new weights. A step is one pass over the arena, and two more small launches where selective
/// projection is on; nothing of it is read by the host.
/// </summary>
/// <example><code>
/// ParameterArena arena = new(model.Parameters);
/// AdamSpd optimizer = new(arena, new() { LearningRate = 1e-5, Lambda = 1 });
/// ...
/// optimizer.ZeroGradients();
/// loss.Backward();
/// optimizer.LearningRate = 1e-5 * schedule.Factor(step);
/// optimizer.Step();
/// </code></example>
public abstract partial class Optimizer
{
    readonly OptimizerOptions options;
    readonly float[] numbers;
    readonly long[] steps;
    readonly Tensor[] states;
    readonly ArenaStep launch;
    double learningRate;

    /// <summary>An optimizer over an arena.</summary>
    /// <param name="arena">The parameters.</param>
    /// <param name="options">The common settings.</param>
    /// <param name="stateCount">How many states the rule keeps per element, 0 to 3.</param>
    /// <param name="usesAnchors">True if the rule itself looks at the anchors, which must have been taken.</param>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    protected Optimizer(ParameterArena arena, OptimizerOptions options, int stateCount, bool usesAnchors = false)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(options);
        OptimizerOptions.NonNegative(options.WeightDecay, nameof(options.WeightDecay));
        (Arena, this.options, LearningRate) = (arena, options, options.LearningRate);
        if (options.Projection is { } projection) Projection = new(arena, projection);
        states = new Tensor[stateCount];
        for (int i = 0; i < stateCount; i++) states[i] = arena.NewBuffer();
        steps = new long[arena.Segments.Count];
        numbers = new float[arena.Segments.Count * ArenaStep.ScalarCount];
        using StepScope outside = StepScope.Outside();
        launch = new()
        {
            Chunks = arena.Chunks,
            Segments = arena.SegmentTable,
            Scalars = Tensor.From<float>(numbers, [arena.Segments.Count, ArenaStep.ScalarCount], arena.Device),
            Weights = arena.Weights,
            Gradients = arena.Gradients,
            First = states.ElementAtOrDefault(0),
            Second = states.ElementAtOrDefault(1),
            Third = states.ElementAtOrDefault(2),
            Anchors = usesAnchors || Projection is not null ? arena.Anchors : null,
            Partials = Projection?.Partials,
            Scales = Projection?.Scales,
            Trace = Projection?.Trace.Ring,
        };
    }

    /// <summary>The parameters it steps.</summary>
    public ParameterArena Arena { get; }

    /// <summary>The step size of the next step; groups scale it.</summary>
    /// <exception cref="ArgumentException">Negative or not finite.</exception>
    public double LearningRate
    {
        get => learningRate;
        set => learningRate = OptimizerOptions.NonNegative(value, nameof(LearningRate));
    }

    /// <summary>How many steps were taken.</summary>
    public long StepCount { get; private set; }

    /// <summary>Selective projection decay with its trace, or null if it is not used.</summary>
    public SelectiveProjection? Projection { get; }

    /// <summary>The states, flat as the arena: for Adam the first and second moments.</summary>
    public IReadOnlyList<Tensor> States => states;

    /// <summary>How many steps a parameter took part in: what its bias correction counts.</summary>
    public long StepsOf(ArenaSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        return steps[segment.Index];
    }

    /// <summary>Forgets all gradients.</summary>
    public void ZeroGradients() => Arena.ZeroGradients();

    /// <summary>Moves every parameter that has a gradient.</summary>
    /// <exception cref="InvalidOperationException">
    /// A parameter has no gradient, and that is not allowed (<see cref="OptimizerOptions.AllowMissingGradients"/>); or it no longer lies in this arena.
    /// </exception>
    public void Step()
    {
        CheckParameters();
        StepCount++;
        bool projects = false;
        foreach (ArenaSegment segment in Arena.Segments)
        {
            Span<float> row = numbers.AsSpan(segment.Index * ArenaStep.ScalarCount, ArenaStep.ScalarCount);
            row.Clear();
            if (!segment.Parameter.HasGradient) continue;
            steps[segment.Index]++;
            WriteNumbers(SettingsOf(segment), row);
            row[4] = 1;
            if (Projection is null) continue;
            row[5] = (float)Projection.StrengthOf(segment);
            row[6] = row[5] > 0 ? 1 : 0;
            projects |= row[5] > 0;
        }

        launch.Scalars.CopyFrom<float>(numbers);
        Update(Arena.Device.Backend, launch);
        Projection?.Apply(Arena.Device.Backend, launch, StepCount, projects);
    }

    /// <summary>The numbers A, B, C, D of the rule for one segment and step, into the first four places.</summary>
    protected abstract void WriteNumbers(in SegmentSettings settings, Span<float> target);

    /// <summary>Runs the rule over the arena.</summary>
    protected abstract void Update(Backend backend, ArenaStep step);

    /// <summary>The weight decay of a segment that has none of its own; by default that of the options.</summary>
    protected virtual double DefaultWeightDecay(ArenaSegment segment) => options.WeightDecay;

    SegmentSettings SettingsOf(ArenaSegment segment)
    {
        bool decays = !options.NoDecayForVectors || segment.Parameter.Rank > 1;
        return new(
            LearningRate * segment.Group.LearningRateScale,
            decays ? segment.Group.WeightDecay ?? DefaultWeightDecay(segment) : 0,
            steps[segment.Index]);
    }

    void CheckParameters()
    {
        List<string> missing = [];
        foreach (ArenaSegment segment in Arena.Segments)
        {
            if (segment.Parameter.Value.Storage != Arena.Weights.Storage)
                throw new InvalidOperationException($"Step: parameter '{segment.Name}' was moved out of this arena; make a new optimizer.");
            if (!segment.Parameter.HasGradient && segment.Parameter.Trainable) missing.Add(segment.Name);
        }

        if (missing.Count == 0 || options.AllowMissingGradients) return;
        throw new InvalidOperationException(
            $"Step: {missing.Count} of {Arena.Segments.Count} parameters have no gradient: {string.Join(", ", missing.Take(3))}{(missing.Count > 3 ? ", ..." : "")}. " +
            "Connect them to the loss, call Backward before Step, or set AllowMissingGradients.");
    }
}

/// <summary>What a rule's numbers are made of.</summary>
/// <param name="LearningRate">The step size, the group's scale included.</param>
/// <param name="WeightDecay">The weight decay.</param>
/// <param name="Step">Which step of this parameter it is, 1 the first.</param>
public readonly record struct SegmentSettings(double LearningRate, double WeightDecay, long Step);
