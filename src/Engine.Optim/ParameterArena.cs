using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Optim;

/// <summary>
/// All trainable parameters of a model in one flat buffer, their gradients in another: an optimizer step is then a few
/// launches whatever the number of layers, and clipping, exchange between processes and checkpoints see one array. The
/// parameters' tensors become views of it.
/// </summary>
public sealed class ParameterArena
{
    // Segments start on a cache line, and on what the GPU kernels' wide loads ask for.
    const int Alignment = 64;

    AnchorOptions? anchorOptions;

    /// <summary>An arena of one group.</summary>
    /// <inheritdoc cref="ParameterArena(IReadOnlyList{ParameterGroup})"/>
    public ParameterArena(IEnumerable<Parameter> parameters) : this([new ParameterGroup("all", parameters)])
    {
    }

    /// <summary>Moves the trainable parameters of the groups into an arena; what is frozen stays where it is.</summary>
    /// <exception cref="ArgumentException">
    /// Nothing is trainable, a parameter is in two groups, two share a name, or one is not float32 or not on the others' device.
    /// </exception>
    public ParameterArena(IReadOnlyList<ParameterGroup> groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        Groups = [.. groups];
        Segments = LayOut(Groups, out int length);
        Device = Segments[0].Parameter.Value.Device;
        Length = length;
        using StepScope outside = StepScope.Outside();
        (Weights, Gradients) = (NewBuffer(), NewBuffer());
        foreach (ArenaSegment segment in Segments) segment.Parameter.Bind(View(Weights, segment), View(Gradients, segment));
    }

    /// <summary>Where the arena lies.</summary>
    public Device Device { get; }

    /// <summary>The groups it was made of.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>One entry a parameter, in the order of the groups.</summary>
    public IReadOnlyList<ArenaSegment> Segments { get; }

    /// <summary>Elements of each buffer, the zeros between segments among them.</summary>
    public int Length { get; }

    /// <summary>[Length]: all weights.</summary>
    public Tensor Weights { get; }

    /// <summary>[Length]: all gradients. A segment whose parameter has none since <see cref="ZeroGradients"/> holds old numbers.</summary>
    public Tensor Gradients { get; }

    /// <summary>[Length]: the anchors W0, or null before <see cref="Anchor"/> and where they are not kept in float32 beside the weights.</summary>
    public Tensor? Anchors => Store?.Whole;

    /// <summary>True once <see cref="Anchor"/> was called.</summary>
    public bool HasAnchors => Store is not null;

    internal AnchorStore? Store { get; private set; }

    /// <summary>
    /// Takes the present weights as the anchors; zero for parameters that start from zero by construction
    /// (<see cref="Parameter.ZeroAnchor"/>) and for those that the options leave without an anchor.
    /// </summary>
    /// <exception cref="ArgumentException">A pattern fits no parameter.</exception>
    public void Anchor(AnchorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (string pattern in options.Exclude)
            if (!Segments.Any(segment => AnchorOptions.Matches(pattern, segment.Name)))
                throw new ArgumentException($"Anchors: the pattern '{pattern}' fits no parameter; names look like '{Segments[0].Name}'.");
        if (Store?.Fits(options) != true) Store = new(this, options);
        anchorOptions = options;
        foreach (ArenaSegment segment in Segments) segment.IsAnchored = options.Anchors(segment.Parameter);
        Store.Take(options);
    }

    /// <summary>A parameter's anchor in float32, wherever it is kept; zeros where it has none. A copy of its own.</summary>
    /// <exception cref="InvalidOperationException">There are no anchors yet.</exception>
    public Tensor AnchorOf(ArenaSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        AnchorStore store = Store ?? throw new InvalidOperationException("AnchorOf: this arena has no anchors yet; call Anchor first.");
        return store.Fetch(segment.Index, 1).Slice(0, 0, segment.Length).Reshape(segment.Parameter.Shape).Clone();
    }

    /// <summary>
    /// |W0 - kept W0| of a parameter: what keeping its anchor in bfloat16 lost when it was taken, 0 elsewhere. Where it is not small beside
    /// the deviation that training reaches, c is computed from rounding errors.
    /// </summary>
    /// <exception cref="InvalidOperationException">There are no anchors yet.</exception>
    public double AnchorRounding(ArenaSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        return (Store ?? throw new InvalidOperationException("AnchorRounding: this arena has no anchors yet; call Anchor first.")).LossOf(segment);
    }

    /// <summary>Takes the anchors anew from the present weights, under the options given before: the second phase of LP-FT.</summary>
    /// <exception cref="InvalidOperationException">There are no anchors yet.</exception>
    public void ReAnchor() =>
        Anchor(anchorOptions ?? throw new InvalidOperationException("ReAnchor: this arena has no anchors yet; call Anchor first."));

    /// <summary>Forgets all gradients.</summary>
    public void ZeroGradients()
    {
        foreach (ArenaSegment segment in Segments) segment.Parameter.ZeroGradient();
    }

    /// <summary>A parameter's part of a buffer of this arena, in the parameter's shape.</summary>
    public Tensor View(Tensor buffer, ArenaSegment segment)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        ArgumentNullException.ThrowIfNull(segment);
        return buffer.Slice(0, segment.First, segment.First + segment.Length).Reshape(segment.Parameter.Shape);
    }

    /// <summary>Zeros, as long as the arena; it belongs to no scope.</summary>
    internal Tensor NewBuffer()
    {
        using StepScope outside = StepScope.Outside();
        return Tensor.Zeros([Length], DType.Float32, Device);
    }

    static List<ArenaSegment> LayOut(IReadOnlyList<ParameterGroup> groups, out int length)
    {
        List<ArenaSegment> segments = [];
        HashSet<string> names = [];
        long next = 0;
        foreach (ParameterGroup group in groups)
        {
            foreach (Parameter parameter in group.Parameters)
            {
                if (!parameter.Trainable) continue;
                if (!names.Add(parameter.Name))
                    throw new ArgumentException($"ParameterArena: '{parameter.Name}' occurs twice (group '{group.Name}'): list a shared parameter once, and give each its own name.");
                if (parameter.Value.DType != DType.Float32)
                    throw new ArgumentException($"ParameterArena: '{parameter.Name}' holds {parameter.Value.DType}; trainable parameters are Float32.");
                if (segments.Count > 0 && parameter.Value.Device != segments[0].Parameter.Value.Device)
                    throw new ArgumentException($"ParameterArena: '{parameter.Name}' lies on {parameter.Value.Device}, '{segments[0].Name}' on {segments[0].Parameter.Value.Device}; move the model to one device first.");
                segments.Add(new(segments.Count, parameter, group, checked((int)next)));
                next += (parameter.Value.ElementCount + Alignment - 1) / Alignment * Alignment;
            }
        }

        if (segments.Count == 0) throw new ArgumentException("ParameterArena: no parameter is trainable.");
        if (next > int.MaxValue)
            throw new ArgumentException($"ParameterArena: {next} elements; an arena holds at most {int.MaxValue}. Freeze some parameters or train with LoRA.");
        length = (int)Math.Max(next, Alignment);
        return segments;
    }
}
