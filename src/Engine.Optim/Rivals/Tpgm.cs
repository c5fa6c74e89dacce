using System.Runtime.CompilerServices;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>The norm of <see cref="Tpgm"/>.</summary>
public enum TpgmNorm
{
    /// <summary>Of a whole tensor, Frobenius.</summary>
    L2,

    /// <summary>Of each row, the sum of absolute values; one radius a tensor all the same.</summary>
    Mars,
}

/// <summary>Settings of <see cref="Tpgm"/>.</summary>
public sealed record TpgmOptions
{
    /// <summary>The learning rate of the radii.</summary>
    public double RadiusLearningRate { get; init; } = 1e-2;

    /// <summary>What distances are measured by.</summary>
    public TpgmNorm Norm { get; init; } = TpgmNorm.Mars;

    /// <summary>Which parameters are projected; the others keep their fine-tuned values.</summary>
    public AnchorOptions Anchors { get; init; } = new();

    /// <summary>
    /// True: rows that lie within the radius stay (the paper). False: they are drawn out to it, as the official code for ImageNet does, since it
    /// clips the radius to the largest row and not the ratio to 1.
    /// </summary>
    public bool KeepsInnerRows { get; init; } = true;
}

/// <summary>
/// Trainable projected gradient method (Tian et al., CVPR 2023, algorithm 1): a radius a tensor, learned on held-out batches, within which the
/// fine-tuned weights are projected; after training, or every so many steps.
/// <code>
/// d = W1 - W0,   gamma = min norm(d) / 2 at first, clipped to [1e-8, max norm(d)]
/// W(gamma) = W0 + clip(gamma / (norm(d) + 1e-8), 0, 1) d
/// gamma = Adam(gamma, sum over rows of (dL/dW . d) / (norm(d) + 1e-8)),   L the loss of W(gamma) on a held-out batch
/// </code>
/// </summary>
/// <example><code>
/// Tpgm tpgm = new(arena, new());                 // before training: takes the anchors
/// trainer.Fit();
/// tpgm.Begin();                                    // W1: the present weights
/// for (int i = 0; i &lt; 200; i++) tpgm.Iterate(() =&gt; Loss(model, heldOut.Next()));
/// tpgm.Finish();                                   // the weights are W(gamma)
/// </code></example>
public sealed class Tpgm
{
    readonly TpgmOptions options;
    readonly ParameterArena arena;
    readonly Tensor memory, kept, tuned, scalars;
    readonly float[] numbers;
    readonly ArenaStep step;
    bool begun, hasRadii;

    /// <summary>TPGM over an arena, whose present values become the anchors.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public Tpgm(ParameterArena arena, TpgmOptions options)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(options);
        OptimizerOptions.NonNegative(options.RadiusLearningRate, nameof(options.RadiusLearningRate));
        if (options.Anchors.Storage != AnchorStorage.Device) throw new ArgumentException("Tpgm keeps its anchors beside the weights; leave Anchors.Storage at Device.");
        (this.arena, this.options) = (arena, options);
        arena.Anchor(options.Anchors);
        ArenaGrain grain = options.Norm == TpgmNorm.L2 ? ArenaGrain.Tensor : ArenaGrain.Row;
        using StepScope outside = StepScope.Outside();
        (memory, kept) = ArenaPart.MemoryOf(arena, grain);
        tuned = arena.NewBuffer();
        numbers = new float[arena.Segments.Count * ArenaStep.ScalarCount];
        scalars = Tensor.From<float>(numbers, [arena.Segments.Count, ArenaStep.ScalarCount], arena.Device);
        ArenaSegment[] segments = [.. arena.Segments];
        (Tensor chunks, Tensor table) = ArenaTables.Chunks(segments, arena.Device);
        step = new()
        {
            Chunks = chunks,
            Segments = table,
            Scalars = scalars,
            Weights = arena.Weights,
            Gradients = arena.Gradients,
            First = tuned,
            Anchors = arena.Anchors,
            Rows = ArenaTables.Rows(segments, grain, memory, kept, arena.Device),
        };
    }

    /// <summary>How many times the radii were learned from a batch.</summary>
    public long Iterations { get; private set; }

    /// <summary>The radii, in the order of the arena's segments; it waits for the device. 0 before the first <see cref="Begin"/>.</summary>
    public float[] Radii() => memory.Slice(1, 0, 1).Contiguous().ToArray<float>();

    /// <summary>Takes the present weights as the fine-tuned ones. Radii that were learned before are kept.</summary>
    public void Begin()
    {
        tuned.CopyFrom(arena.Weights);
        begun = true;
        Project(learns: false);
    }

    /// <summary>One step of the radii on a held-out batch, at the projected weights.</summary>
    /// <param name="loss">The forward pass; the model should be in evaluation mode.</param>
    /// <returns>The loss, on the device.</returns>
    /// <exception cref="InvalidOperationException"><see cref="Begin"/> was not called.</exception>
    public Tensor Iterate(Func<Variable> loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (!begun) throw new InvalidOperationException("Tpgm: call Begin first.");
        arena.ZeroGradients();
        using StepScope scope = StepScope.Begin();
        Variable value = loss();
        value.Backward();
        Iterations++;
        Project(learns: true);
        arena.ZeroGradients();
        return scope.Keep(value.Value.Clone());
    }

    /// <summary>Leaves the weights projected. The next <see cref="Begin"/> takes them, trained further or not, as the fine-tuned ones.</summary>
    public void Finish() => begun = false;

    /// <summary>
    /// What a later process needs to go on to the bit, between two iterations too: <c>memory.NAME</c> (radius and its moments), <c>tuned.NAME</c>,
    /// <c>anchor.NAME</c>, <c>rows</c> (the rows' ratios) and <c>progress</c>.
    /// </summary>
    /// <returns>Views of the live state.</returns>
    public IReadOnlyDictionary<string, Tensor> SaveState()
    {
        Dictionary<string, Tensor> saved = new()
        {
            ["progress"] = Tensor.From<long>([Iterations, begun ? 1 : 0, hasRadii ? 1 : 0], [3], arena.Device),
            ["rows"] = kept,
        };
        foreach (ArenaSegment segment in arena.Segments)
        {
            saved[$"memory.{segment.Name}"] = memory.Select(0, segment.Index);
            saved[$"tuned.{segment.Name}"] = arena.View(tuned, segment);
            saved[$"anchor.{segment.Name}"] = arena.View(arena.Anchors!, segment);
        }

        return saved;
    }

    /// <summary>Goes back to a saved state; nothing changes if it does not fit. The weights are the model's to load.</summary>
    /// <exception cref="ArgumentException">A tensor is absent or of another shape.</exception>
    public void LoadState(IReadOnlyDictionary<string, Tensor> saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        IReadOnlyDictionary<string, Tensor> own = SaveState();
        foreach ((string name, Tensor mine) in own)
            if (!saved.TryGetValue(name, out Tensor? found) || found.Shape != mine.Shape)
                throw new ArgumentException($"Tpgm state: '{name}' is {found?.ToString() ?? "absent"}, {mine.Shape} expected.");
        foreach ((string name, Tensor mine) in own) mine.CopyFrom(saved[name]);
        long[] progress = saved["progress"].ToArray<long>();
        (Iterations, begun, hasRadii) = (progress[0], progress[1] != 0, progress[2] != 0);
    }

    void Project(bool learns)
    {
        foreach (ArenaSegment segment in arena.Segments)
        {
            Span<float> row = numbers.AsSpan(segment.Index * ArenaStep.ScalarCount, ArenaStep.ScalarCount);
            row.Clear();
            RadiusAdam.WriteNumbers(options.RadiusLearningRate, Math.Max(Iterations, 1), row);
            (row[3], row[4]) = (segment.IsAnchored ? 1 : 0, 1);
            row[7] = learns && segment.Parameter.HasGradient ? 1 : 0;
        }

        scalars.CopyFrom<float>(numbers);
        Backend backend = arena.Device.Backend;
        bool isSquared = options.Norm == TpgmNorm.L2;
        if (isSquared) backend.ArenaMeasure(new SquaredTunedMeasure(), step);
        else backend.ArenaMeasure(new AbsoluteTunedMeasure(), step);
        backend.ArenaDecide(new TpgmDecision(isSquared, options.KeepsInnerRows, isStart: !hasRadii), step);
        backend.ArenaApply(new TunedRule(), step);
        hasRadii = true;
    }
}

/// <summary>A: |w1 - w0|, B: g (w1 - w0); the first state is w1.</summary>
public readonly struct AbsoluteTunedMeasure : IArenaMeasure
{
    /// <inheritdoc/>
    public bool UsesGradient => true;

    /// <inheritdoc/>
    public bool UsesFirst => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>
    {
        T difference = element.First - element.Anchor;
        ArenaTerms<T> terms = default;
        terms.A = T.Abs(difference);
        terms.B = element.Gradient * difference;
        terms.C = terms.D = T.Of(0f);
        return terms;
    }
}

/// <summary>A: (w1 - w0)^2, B: g (w1 - w0); the first state is w1.</summary>
public readonly struct SquaredTunedMeasure : IArenaMeasure
{
    /// <inheritdoc/>
    public bool UsesGradient => true;

    /// <inheritdoc/>
    public bool UsesFirst => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>
    {
        T difference = element.First - element.Anchor;
        ArenaTerms<T> terms = default;
        terms.A = difference * difference;
        terms.B = element.Gradient * difference;
        terms.C = terms.D = T.Of(0f);
        return terms;
    }
}

/// <summary>
/// A segment's radius, A of what it remembers, and its moments B and C. A row's scale is its ratio, and it keeps it: a row within the radius
/// does not move with it.
/// </summary>
public readonly struct TpgmDecision(bool isSquared, bool keepsInnerRows, bool isStart) : IArenaDecision
{
    readonly float isSquared = isSquared ? 1 : 0, keepsInnerRows = keepsInnerRows ? 1 : 0, isStart = isStart ? 1 : 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Gather<T>(in ArenaTerms<T> sums, T kept) where T : struct, ILane<T>
    {
        T norm = Norm(sums), slope = sums.B / (norm + T.Of(1e-8)), one = T.Of(1.0), zero = T.Of(0.0);
        ArenaTerms<T> terms = default;
        terms.A = T.IfGreater(one, kept * T.Of(keepsInnerRows), slope, zero);
        terms.B = norm;
        terms.C = zero;

        // At the start the smallest is wanted, as the largest of the negative ones.
        terms.D = T.IfGreater(T.Of(isStart), T.Of(0.5), -norm, norm);
        return terms;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ArenaTerms<T> Decide<T>(in ArenaTerms<T> total, in ArenaScalars<T> scalars, ref ArenaTerms<T> memory) where T : struct, ILane<T>
    {
        ArenaTerms<T> learned = memory;
        RadiusAdam.Accumulate(total.A, ref learned);
        learned.A -= RadiusAdam.Step(learned, scalars);
        T half = T.Of(0.5), learns = scalars.C, smallest = T.Of(1e-8);
        memory.A = T.IfGreater(learns, half, learned.A, memory.A);
        memory.B = T.IfGreater(learns, half, learned.B, memory.B);
        memory.C = T.IfGreater(learns, half, learned.C, memory.C);
        memory.A = T.IfGreater(T.Of(isStart), half, T.Max(-total.D * half, smallest), T.Min(T.Max(memory.A, smallest), total.D));
        return total;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Scale<T>(in ArenaTerms<T> sums, in ArenaScalars<T> scalars, in ArenaTerms<T> memory, ref T kept) where T : struct, ILane<T>
    {
        T one = T.Of(1.0), half = T.Of(0.5), ratio = memory.A / (Norm(sums) + T.Of(1e-8));
        kept = ratio;
        ratio = T.IfGreater(T.Of(keepsInnerRows), half, T.Min(ratio, one), ratio);
        return T.IfGreater(scalars.D, half, ratio, one);
    }

    T Norm<T>(in ArenaTerms<T> sums) where T : struct, ILane<T> => T.IfGreater(T.Of(isSquared), T.Of(0.5), T.Sqrt(sums.A), sums.A);
}

/// <summary>w0 + A (w1 - w0), where the first state is w1, and w1 itself where A is 1.</summary>
public readonly struct TunedRule : IUpdateRule
{
    /// <inheritdoc/>
    public int States => 1;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>
    {
        T mixed = T.MulAdd(scalars.A, element.First - element.Anchor, element.Anchor);
        return T.IfGreater(T.Abs(scalars.A - T.Of(1.0)), T.Of(0.0), mixed, element.First);
    }
}
