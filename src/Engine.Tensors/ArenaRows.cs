namespace Engine.Tensors;

/// <summary>Four numbers of a row or a segment; what they mean is the method's.</summary>
/// <typeparam name="T">The lane type.</typeparam>
public struct ArenaTerms<T> where T : struct, ILane<T>
{
    /// <summary>The first number.</summary>
    public T A;

    /// <summary>The second number.</summary>
    public T B;

    /// <summary>The third number.</summary>
    public T C;

    /// <summary>The fourth number.</summary>
    public T D;
}

/// <summary>What a method measures: four terms an element, added up over a row. An element of zeros has zero terms.</summary>
public interface IArenaMeasure
{
    /// <summary>True if <see cref="ArenaElement{T}.Gradient"/> is looked at.</summary>
    bool UsesGradient { get; }

    /// <summary>True if <see cref="ArenaElement{T}.First"/> is looked at; the other states are not there.</summary>
    bool UsesFirst { get; }

    /// <summary>The element's terms.</summary>
    ArenaTerms<T> Apply<T>(in ArenaElement<T> element) where T : struct, ILane<T>;
}

/// <summary>
/// What a method makes of the rows' sums, without the host: each row brings terms to its segment, the segment decides, each
/// row gets its scale. The scalars are the segment's numbers: A, B, C from places 5, 6, 7 of <see cref="ArenaStep.Scalars"/>, D from place 3.
/// </summary>
public interface IArenaDecision
{
    /// <summary>What a row brings to its segment: A, B and C are added up, of D the largest counts.</summary>
    /// <param name="sums">The row's sums.</param><param name="kept">What the row kept in the last step, 0 before the first.</param>
    ArenaTerms<T> Gather<T>(in ArenaTerms<T> sums, T kept) where T : struct, ILane<T>;

    /// <summary>Once a segment: changes what it remembers from step to step, zeros before the first.</summary>
    /// <returns>Its row of the trace.</returns>
    ArenaTerms<T> Decide<T>(in ArenaTerms<T> total, in ArenaScalars<T> scalars, ref ArenaTerms<T> memory) where T : struct, ILane<T>;

    /// <summary>Once a row, after its segment has decided: the row's scale, and what it keeps for the next step.</summary>
    T Scale<T>(in ArenaTerms<T> sums, in ArenaScalars<T> scalars, in ArenaTerms<T> memory, ref T kept) where T : struct, ILane<T>;
}

/// <summary>
/// An arena's segments in rows: the slices along a tensor's first axis (an output neuron, a filter), or each tensor as one
/// row. A tensor of at most one axis is one row.
/// </summary>
public sealed record ArenaRows
{
    /// <summary>int32 [pieces, 4]: row, first element, element count, segment. A piece is at most <see cref="ArenaStep.ChunkLength"/> elements of one row.</summary>
    public required Tensor Pieces { get; init; }

    /// <summary>int32 [rows, 2]: first piece, piece count.</summary>
    public required Tensor Table { get; init; }

    /// <summary>int32 [segments, 4]: first row, row count, elements of a row, first element.</summary>
    public required Tensor Segments { get; init; }

    /// <summary>float32 [pieces, 4]: the sums of <see cref="IArenaMeasure"/>.</summary>
    public required Tensor Sums { get; init; }

    /// <summary>float32 [segments, 4]: what segments remember.</summary>
    public required Tensor Memory { get; init; }

    /// <summary>float32 [rows]: what rows keep.</summary>
    public required Tensor Kept { get; init; }

    /// <summary>float32 [rows]: the scales.</summary>
    public required Tensor Scales { get; init; }
}
