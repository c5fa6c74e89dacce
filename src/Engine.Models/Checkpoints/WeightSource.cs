using System.Globalization;
using System.IO.Enumeration;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>Gives a model under construction its values from a checkpoint, and keeps book of what was asked for.</summary>
sealed class WeightSource
{
    const int NamesShown = 3;

    readonly ShardedSafeTensors weights;
    readonly ModelLayout layout;
    readonly ModelPlan plan;
    readonly bool freshHead;
    readonly WeightPrecision precision;
    readonly HashSet<string> asked = [];
    readonly List<string> missing = [];
    readonly List<string> fresh = [];
    readonly List<string> unused = [];

    public WeightSource(ShardedSafeTensors weights, ModelLayout layout, ModelPlan plan, bool freshHead, WeightPrecision precision = WeightPrecision.Float32)
    {
        (this.weights, this.layout, this.plan, this.freshHead, this.precision) = (weights, layout, plan, freshHead, precision);
        foreach (BlockStack stack in plan.Stacks) CheckDepth(stack);
        CheckClasses(plan.StoredClasses);
    }

    /// <summary>Parameters that did not come from the file.</summary>
    public IReadOnlyList<string> Fresh => fresh;

    /// <summary>Stored tensors that no model needs.</summary>
    public IReadOnlyList<string> Unused => unused;

    /// <summary>The values of a parameter; null where it is fresh, or missing, which <see cref="CheckComplete"/> reports.</summary>
    /// <exception cref="CheckpointException">The stored tensor is of another shape or no float.</exception>
    public Tensor? Find(string name, Shape shape)
    {
        string[] stored = layout.Names.Stored(name);
        foreach (string part in stored) asked.Add(part);
        if (freshHead && layout.IsHead(name) || plan.IsFresh?.Invoke(name) == true)
        {
            fresh.Add(name);
            return null;
        }

        string[] absent = stored.Length == 0 ? [name] : [.. stored.Where(part => !weights.Items.ContainsKey(part))];
        missing.AddRange(absent);
        if (absent.Length > 0) return null;
        return plan.Refits.TryGetValue(name, out Refit refit) ? refit.Convert(Whole(name, stored, refit.Stored)) : Whole(name, stored, shape);
    }

    Tensor Whole(string name, string[] stored, Shape shape)
    {
        Shape inFile = layout.StoredShape(name, shape);
        Tensor whole = stored.Length == 1 ? Read(stored[0], inFile) : Join(stored, inFile);
        return inFile == shape ? whole : whole.Reshape(shape);
    }

    Tensor Join(string[] parts, Shape shape)
    {
        Shape partShape = shape.With(0, shape[0] / parts.Length);
        Tensor? joined = null;
        for (int i = 0; i < parts.Length; i++)
        {
            Tensor part = Read(parts[i], partShape);
            joined ??= Tensor.Empty(shape, precision == WeightPrecision.Stored ? part.DType : DType.Float32);
            joined.Slice(0, i * partShape[0], (i + 1) * partShape[0]).CopyFrom(part);
        }

        return joined!;
    }

    Tensor Read(string name, Shape shape)
    {
        SafeTensorItem item = weights.Items[name];
        if (!SameShape(item, shape))
            throw new CheckpointException(weights.FilePath, $"{item.Type.Name()} [{string.Join(", ", item.Shape.ToArray())}] found, {ConfigFile.Name} makes it {shape}", name);
        return StoredTensor.Read(weights, item, shape);
    }

    static bool SameShape(SafeTensorItem item, Shape shape)
    {
        if (item.Shape.Length != shape.Rank) return false;
        for (int axis = 0; axis < shape.Rank; axis++)
            if (item.Shape[axis] != shape[axis]) return false;
        return true;
    }

    // Before the model is built: it could be of any size if config.json is another model's.
    void CheckDepth(BlockStack stack)
    {
        int stored = 0;
        while (layout.Names.Stored(stack.Parameter.Replace("*", stored.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)) is [string name, ..]
            && weights.Items.ContainsKey(name)) stored++;
        if (stored != stack.Depth)
            throw new CheckpointException(weights.FilePath, $"holds {stored} blocks{(stack.Part.Length > 0 ? " in " : "")}{stack.Part}, {ConfigFile.Name} says {stack.Depth}; they belong to different models, or the file is cut");
    }

    void CheckClasses(int classes)
    {
        if (layout.Names.Stored($"{layout.Head}.weight") is not [string name] || !weights.Items.TryGetValue(name, out SafeTensorItem? item)) return;
        if (item.Shape.Length > 0 && item.Shape[0] != classes)
            throw new CheckpointException(weights.FilePath, $"has {item.Shape[0]} classes, {ConfigFile.Name} says {classes}", name);
    }

    /// <summary>To be called when the model is built.</summary>
    /// <exception cref="CheckpointException">Tensors are missing, or there are some that the model does not know.</exception>
    public void CheckComplete()
    {
        List<string> unexpected = [];
        foreach (string name in weights.Items.Keys)
        {
            if (asked.Contains(name) || Repeats(name)) continue;
            bool known = layout.Unused.Concat(plan.Obsolete).Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
            (known ? unused : unexpected).Add(name);
        }

        if (missing.Count == 0 && unexpected.Count == 0) return;
        string problem = string.Join("; ", new[] { Count(missing, "missing"), Count(unexpected, "not part of the model") }.Where(part => part.Length > 0));
        throw new CheckpointException(weights.FilePath, $"{problem} ({layout.Name}, as {ConfigFile.Name} describes it)");
    }

    // A head that is the embedding may be stored once or twice; stored twice with different values, one of the two is wrong.
    bool Repeats(string name)
    {
        if (!plan.Repeated.TryGetValue(name, out string? parameter)) return false;
        if (layout.Names.Stored(parameter) is not [string original] || !weights.Items.ContainsKey(original)) return true;
        SafeTensorItem item = weights.Items[name], first = weights.Items[original];
        if (item.Type != first.Type || !item.Shape.SequenceEqual(first.Shape) || !weights.Read(name).SequenceEqual(weights.Read(original)))
            throw new CheckpointException(weights.FilePath, $"differs from \"{original}\", {ConfigFile.Name} says that they are one; correct tie_word_embeddings or the weights", name);
        return true;
    }

    static string Count(List<string> names, string what) => names.Count == 0 ? ""
        : $"{names.Count} {(names.Count == 1 ? "tensor is" : "tensors are")} {what}: {string.Join(", ", names.Take(NamesShown).Select(name => $"\"{name}\""))}{(names.Count > NamesShown ? ", ..." : "")}";
}
