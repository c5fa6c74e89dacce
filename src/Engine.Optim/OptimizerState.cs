using Engine.Tensors;

namespace Engine.Optim;

/// <content>Saving and resuming, to the bit.</content>
public abstract partial class Optimizer
{
    static readonly string[] StateNames = ["first", "second", "third"];

    /// <summary>
    /// All that a later process needs to go on exactly here, under names that a safetensors file can hold: <c>first.NAME</c>,
    /// <c>second.NAME</c>, <c>third.NAME</c>, <c>extra.NAME</c> (the states of parameter NAME), <c>steps.NAME</c> (int64), <c>memory.NAME</c> and <c>rows.NAME</c>
    /// (what a method by rows remembers), <c>projection.NAME</c> likewise, with anchors <c>anchor.NAME</c> and <c>anchored.NAME</c> (bool), and <c>step</c> and
    /// <c>learning_rate</c>. The weights are the model's to save, and anchors that are read from a checkpoint stay there.
    /// </summary>
    /// <returns>Views of the live state, valid until the next step; write them before.</returns>
    public IReadOnlyDictionary<string, Tensor> SaveState()
    {
        Dictionary<string, Tensor> saved = new()
        {
            ["step"] = Tensor.From<long>([StepCount], [], Arena.Device),
            ["learning_rate"] = Tensor.From<double>([LearningRate], [], Arena.Device),
        };
        foreach (ArenaSegment segment in Arena.Segments)
        {
            saved[$"steps.{segment.Name}"] = Tensor.From<long>([steps[segment.Index]], [], Arena.Device);
            foreach ((string name, Tensor part) in StateOf(segment)) saved[$"{name}.{segment.Name}"] = part.To(DType.Float32);      // anchors in bfloat16 are widened exactly
            if (UsesAnchors) saved[$"anchored.{segment.Name}"] = Tensor.From<bool>([segment.IsAnchored], [], Arena.Device);
        }

        return saved;
    }

    /// <summary>Goes back to a saved state; nothing changes if it does not fit.</summary>
    /// <exception cref="ArgumentException">A tensor is absent, unknown, or of another shape or type.</exception>
    public void LoadState(IReadOnlyDictionary<string, Tensor> saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        Check(saved);
        StepCount = saved["step"].ToArray<long>()[0];
        LearningRate = saved["learning_rate"].ToArray<double>()[0];
        foreach (ArenaSegment segment in Arena.Segments)
        {
            steps[segment.Index] = saved[$"steps.{segment.Name}"].ToArray<long>()[0];
            foreach ((string name, Tensor part) in StateOf(segment)) part.CopyFrom(saved[$"{name}.{segment.Name}"]);
            if (UsesAnchors) segment.IsAnchored = saved[$"anchored.{segment.Name}"].ToArray<bool>()[0];
        }
    }

    void Check(IReadOnlyDictionary<string, Tensor> saved)
    {
        IReadOnlyDictionary<string, Tensor> own = SaveState();
        foreach ((string name, Tensor expected) in own)
        {
            if (!saved.TryGetValue(name, out Tensor? found))
                throw new ArgumentException($"Optimizer state: '{name}' is absent; the state is of another model or optimizer.");
            if (found.Shape != expected.Shape || found.DType != expected.DType)
                throw new ArgumentException($"Optimizer state: '{name}' is {found.DType} {found.Shape}, {expected.DType} {expected.Shape} expected.");
        }

        foreach (string name in saved.Keys)
            if (!own.ContainsKey(name))
                throw new ArgumentException($"Optimizer state: '{name}' is unknown here; the state is of another model or optimizer.");
    }

    IEnumerable<(string Name, Tensor Part)> StateOf(ArenaSegment segment)
    {
        for (int i = 0; i < states.Length; i++)
            yield return (needs.Extra && i == states.Length - 1 ? "extra" : StateNames[i], Arena.View(states[i], segment));
        if (memory is not null) yield return ("memory", memory.Select(0, segment.Index));
        if (kept is not null) yield return ("rows", RowsOf(kept, segment, needs.Rows));
        if (Projection?.Memory is { } remembered) yield return ("projection", remembered.Select(0, segment.Index));
        if (Projection?.Kept is { } rows) yield return ("projection_rows", RowsOf(rows, segment, Projection.Grain));
        if (UsesAnchors && Arena.Store!.Saved(segment) is { } anchor) yield return ("anchor", anchor);
    }

    Tensor RowsOf(Tensor rows, ArenaSegment segment, ArenaGrain grain)
    {
        int before = Arena.Segments.Take(segment.Index).Sum(each => ArenaTables.RowsOf(each, grain));
        return rows.Slice(0, before, before + ArenaTables.RowsOf(segment, grain));
    }
}
