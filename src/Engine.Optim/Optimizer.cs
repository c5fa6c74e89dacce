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
    readonly OptimizerNeeds needs;
    readonly float[] numbers;
    readonly long[] steps;
    readonly Tensor[] states;
    readonly Tensor scalars;
    readonly Tensor? memory, kept;
    readonly List<ArenaPart> parts = [];
    double learningRate;

    /// <summary>An optimizer over an arena.</summary>
    /// <param name="arena">The parameters.</param>
    /// <param name="options">The common settings.</param>
    /// <param name="stateCount">How many states the rule keeps per element, 0 to 3.</param>
    /// <param name="needs">What it asks of the arena besides.</param>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    protected Optimizer(ParameterArena arena, OptimizerOptions options, int stateCount, OptimizerNeeds needs = default)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(options);
        OptimizerOptions.NonNegative(options.WeightDecay, nameof(options.WeightDecay));
        (Arena, this.options, this.needs, LearningRate) = (arena, options, needs, options.LearningRate);
        if (options.AnchorChoice is { } anchors) arena.Anchor(anchors);
        else if (needs.Anchors) arena.Anchor(new());
        states = new Tensor[stateCount + (needs.Extra ? 1 : 0)];
        for (int i = 0; i < states.Length; i++) states[i] = arena.NewBuffer();
        steps = new long[arena.Segments.Count];
        numbers = new float[arena.Segments.Count * ArenaStep.ScalarCount];
        using StepScope outside = StepScope.Outside();
        scalars = Tensor.From<float>(numbers, [arena.Segments.Count, ArenaStep.ScalarCount], arena.Device);
        if (needs.Rows != ArenaGrain.None) (memory, kept) = ArenaPart.MemoryOf(arena, needs.Rows);
        if (options.Projection is { } projection) Projection = new(arena, projection, stateCount > 0);
        UsesAnchors = needs.Anchors || Projection is not null;
        foreach ((int first, int count) in ArenaPart.Split(arena, UsesAnchors ? arena.Store!.PartLength : int.MaxValue)) parts.Add(PartOf(first, count, stateCount));
    }

    bool UsesAnchors { get; }

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
            WriteNumbers(segment, SettingsOf(segment), row);
            row[4] = 1;
            if (Projection is null) continue;
            Projection.WriteNumbers(segment, StepCount, row);
            projects |= row[6] != 0;
        }

        scalars.CopyFrom<float>(numbers);
        using StepScope scope = StepScope.Begin();
        Backend backend = Arena.Device.Backend;
        int traceRow = Projection?.Begin(StepCount) ?? 0;
        foreach (ArenaPart part in parts)
        {
            if (UsesAnchors && Arena.Anchors is null) Arena.Store!.Fetch(part.FirstSegment, part.SegmentCount);
            part.Step.TraceRow = traceRow;
            Projection?.Before(backend, part);
            Update(backend, part.Step);
            Projection?.Apply(backend, part, projects);
        }

        Projection?.Finish(StepCount);
    }

    /// <summary>
    /// Says that the gradients are whole and not yet clipped: what looks at them as they are now takes its copy. Without
    /// such a method it does nothing.
    /// </summary>
    public void BeforeClipping() => Projection?.KeepGradients(Arena.Gradients);

    /// <summary>
    /// The numbers A, B, C, D of the rule for one segment and step, into the first four places; a method that decides by rows has
    /// places 5 to 7 besides, which are the projection's where there is one.
    /// </summary>
    protected abstract void WriteNumbers(ArenaSegment segment, in SegmentSettings settings, Span<float> target);

    /// <summary>Runs the rule over the arena, or over each part of it in turn where anchors are fetched in parts.</summary>
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

    ArenaPart PartOf(int first, int count, int stateCount)
    {
        ArenaPart part = new(Arena, first, count);
        ArenaSegment[] segments = [.. Arena.Segments.Skip(first).Take(count)];
        (Tensor chunks, Tensor table) = ArenaTables.Chunks(segments, Arena.Device);
        part.Step = new()
        {
            Chunks = chunks,
            Segments = table,
            Scalars = part.Rows(scalars),
            Weights = part.Elements(Arena.Weights),
            Gradients = part.Elements(Arena.Gradients),
            First = stateCount > 0 ? part.Elements(states[0]) : null,
            Second = stateCount > 1 ? part.Elements(states[1]) : null,
            Third = stateCount > 2 ? part.Elements(states[2]) : null,
            Fourth = needs.Extra ? part.Elements(states[^1]) : null,
            Anchors = UsesAnchors ? Arena.Store!.Fetch(first, count) : null,
            Rows = needs.Rows == ArenaGrain.None ? null : ArenaTables.Rows(segments, needs.Rows, part.Rows(memory!), part.RowsOf(kept!, needs.Rows), Arena.Device),
        };
        Projection?.Join(part, segments);
        return part;
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

/// <summary>What an optimizer asks of the arena besides the states of its rule.</summary>
/// <param name="Anchors">The rule or what follows it looks at the anchors; the options' choice, or all parameters', are taken.</param>
/// <param name="Rows">What it measures and scales as one; <see cref="ArenaStep.Rows"/> is there.</param>
/// <param name="Extra">A state beyond the rule's, in <see cref="ArenaStep.Fourth"/>.</param>
public readonly record struct OptimizerNeeds(bool Anchors = false, ArenaGrain Rows = ArenaGrain.None, bool Extra = false);
