using Engine.Tensors;

namespace Engine.Optim;

/// <summary>The anchors of an arena, wherever they lie; see <see cref="AnchorStorage"/>.</summary>
sealed class AnchorStore
{
    readonly ParameterArena arena;
    AnchorOptions options;
    readonly Tensor? buffer, part;
    readonly double[] lost;

    public AnchorStore(ParameterArena arena, AnchorOptions options)
    {
        (this.arena, this.options) = (arena, options);
        if (options.Storage == AnchorStorage.Mapped && options.Source is null)
            throw new ArgumentException("Anchors: Mapped needs a Source, the pre-trained values by name.");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PartLength, 1, nameof(options.PartLength));
        lost = new double[arena.Segments.Count];
        using StepScope outside = StepScope.Outside();
        buffer = options.Storage switch
        {
            AnchorStorage.Device => Tensor.Zeros([arena.Length], DType.Float32, arena.Device),
            AnchorStorage.BFloat16 => Tensor.Zeros([arena.Length], DType.BFloat16, arena.Device),
            AnchorStorage.Host => Tensor.Zeros([arena.Length], DType.Float32, Device.Parse("cpu")),
            _ => null,
        };
        if (options.Storage != AnchorStorage.Device)
            part = Tensor.Zeros([ArenaPart.Split(arena, options.PartLength).Max(each => LengthOf(each.First, each.Count).Length)], DType.Float32, arena.Device);
    }

    /// <summary>The whole of the anchors, where they lie on the device in float32.</summary>
    public Tensor? Whole => options.Storage == AnchorStorage.Device ? buffer : null;

    public AnchorStorage Storage => options.Storage;

    /// <summary>How many elements a part of the arena may have.</summary>
    public int PartLength => Whole is null ? options.PartLength : int.MaxValue;

    /// <summary>True if other options leave the anchors where they are kept.</summary>
    public bool Fits(AnchorOptions other) => other.Storage == options.Storage && other.Source == options.Source && other.PartLength == options.PartLength;

    /// <summary>Takes the present weights of those parameters that the options anchor.</summary>
    public void Take(AnchorOptions chosen)
    {
        options = chosen;
        using StepScope scope = StepScope.Begin();
        foreach (ArenaSegment segment in arena.Segments)
        {
            if (segment.Length == 0) continue;
            if (buffer is null) Check(segment);
            else if (IsZero(segment)) buffer.Backend.Fill(0, arena.View(buffer, segment));
            else arena.View(buffer, segment).CopyFrom(segment.Parameter.Value);
            lost[segment.Index] = Storage == AnchorStorage.BFloat16 && !IsZero(segment) ? Loss(segment) : 0;
        }
    }

    /// <summary>How far a parameter's kept anchor is from the weights it was taken from.</summary>
    public double LossOf(ArenaSegment segment) => lost[segment.Index];

    /// <summary>The anchors of some segments in float32 on the device; valid until the next call.</summary>
    public Tensor Fetch(int firstSegment, int count)
    {
        (int first, int length) = LengthOf(firstSegment, count);
        if (Whole is { } whole) return whole.Slice(0, first, first + length);
        Tensor target = part!.Slice(0, 0, length);
        if (buffer is { } kept && kept.Device == arena.Device) target.CopyFrom(kept.Slice(0, first, first + length));
        else if (buffer is { } host && (first + (long)length) * sizeof(float) <= int.MaxValue) target.CopyFrom<float>(host.Slice(0, first, first + length).AsReadOnlySpan<float>());
        else if (buffer is { } large) target.CopyFrom(large.Slice(0, first, first + length));       // beyond what a span sees of one storage
        else
            for (int i = firstSegment; i < firstSegment + count; i++) Read(arena.Segments[i], target, first);
        return target;
    }

    /// <summary>One parameter's anchor as it is saved, or null where the checkpoint keeps it.</summary>
    public Tensor? Saved(ArenaSegment segment) => buffer is null ? null : arena.View(buffer, segment);

    (int First, int Length) LengthOf(int firstSegment, int count)
    {
        int first = arena.Segments[firstSegment].First, next = firstSegment + count;
        return (first, (next < arena.Segments.Count ? arena.Segments[next].First : arena.Length) - first);
    }

    bool IsZero(ArenaSegment segment) => !segment.IsAnchored || options.AtZero(segment.Parameter);

    double Loss(ArenaSegment segment)
    {
        using StepScope scope = StepScope.Begin();
        Tensor kept = arena.View(buffer!, segment).To(DType.Float32);
        return Math.Sqrt(Reduction.SumOfSquares(Elementwise.Map<Subtract>(kept, segment.Parameter.Value)).Item());
    }

    void Read(ArenaSegment segment, Tensor target, int origin)
    {
        if (segment.Length == 0) return;
        Tensor mine = target.Slice(0, segment.First - origin, segment.First - origin + segment.Length);
        if (IsZero(segment)) mine.Backend.Fill(0, mine);
        else mine.CopyFrom(options.Source!(segment.Name)!.Reshape(segment.Length));
    }

    void Check(ArenaSegment segment)
    {
        if (IsZero(segment)) return;
        if (options.Source!(segment.Name) is not { } values)
            throw new ArgumentException($"Anchors: the source has no '{segment.Name}'; exclude it or keep the anchors in memory.");
        if (values.Shape != segment.Parameter.Shape)
            throw new ArgumentException($"Anchors: the source's '{segment.Name}' is {values.Shape}, the parameter {segment.Parameter.Shape}.");
    }
}
