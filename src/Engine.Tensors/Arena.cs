namespace Engine.Tensors;

/// <summary>What an update rule sees of one element, or of one vector of elements.</summary>
/// <typeparam name="T">The lane type.</typeparam>
public struct ArenaElement<T> where T : struct, ILane<T>
{
    /// <summary>The weight before the step.</summary>
    public T Weight;

    /// <summary>The gradient.</summary>
    public T Gradient;

    /// <summary>The weight's pre-trained value; the weight itself where the arena has no anchor.</summary>
    public T Anchor;

    /// <summary>First state, for instance the momentum; the rule may change it.</summary>
    public T First;

    /// <summary>Second state, for instance the mean square; the rule may change it.</summary>
    public T Second;

    /// <summary>Third state, for instance the largest mean square so far; the rule may change it.</summary>
    public T Third;
}

/// <summary>
/// The numbers that are the same for all elements of a segment in one step: what a rule's formula takes from learning rate,
/// decay and step count, computed on the host in double precision.
/// </summary>
/// <typeparam name="T">The lane type.</typeparam>
public struct ArenaScalars<T> where T : struct, ILane<T>
{
    /// <summary>The rule's first number; its meaning is the rule's.</summary>
    public T A;

    /// <summary>The rule's second number.</summary>
    public T B;

    /// <summary>The rule's third number.</summary>
    public T C;

    /// <summary>The rule's fourth number.</summary>
    public T D;
}

/// <summary>An optimizer's formula for one element: SGD, Adam, ... Written once for the CPU's vectors and the GPU's threads.</summary>
public interface IUpdateRule
{
    /// <summary>How many states the rule keeps per element, 0 to 3.</summary>
    int States { get; }

    /// <summary>The new weight; the states in <paramref name="element"/> are updated in place.</summary>
    T Apply<T>(ref ArenaElement<T> element, in ArenaScalars<T> scalars) where T : struct, ILane<T>;
}

/// <summary>
/// One optimizer step over a flat arena of parameters, as a device sees it. A segment is one parameter tensor; it starts at
/// a multiple of 64 elements. A chunk is at most <see cref="ChunkLength"/> elements of one segment: the unit of work, and of
/// the partial sums that are folded in chunk order.
/// </summary>
public sealed record ArenaStep
{
    /// <summary>Elements of a chunk, the last one of a segment excepted.</summary>
    public const int ChunkLength = 4096;

    /// <summary>Numbers of a segment in <see cref="Scalars"/>.</summary>
    public const int ScalarCount = 8;

    /// <summary>
    /// Numbers of a segment in a row of <see cref="Trace"/>: condition c (NaN if the segment took no part), ratio r where c &lt; 0 (else 0),
    /// deviation |W - W0| after the step, scale lambda * r where the segment was projected (else 0), deviation before the step, |g|
    /// (0 if the segment took no part).
    /// </summary>
    public const int TraceWidth = 6;

    /// <summary>int32 [chunks, 3]: segment, first element, element count.</summary>
    public required Tensor Chunks { get; init; }

    /// <summary>int32 [segments, 2]: first chunk, chunk count.</summary>
    public required Tensor Segments { get; init; }

    /// <summary>
    /// float32 [segments, 8]: A, B, C, D of <see cref="ArenaScalars{T}"/>; 4: 1 if the segment takes part in this step, else 0 (left as it
    /// is, states included); 5: the projection strength lambda; 6: 1 if the segment is projected when its condition asks for it, else 0; 7: free.
    /// </summary>
    public required Tensor Scalars { get; init; }

    /// <summary>float32 [N]: all weights; updated.</summary>
    public required Tensor Weights { get; init; }

    /// <summary>float32 [N]: all gradients.</summary>
    public required Tensor Gradients { get; init; }

    /// <summary>float32 [N]: first state, or null.</summary>
    public Tensor? First { get; init; }

    /// <summary>float32 [N]: second state, or null.</summary>
    public Tensor? Second { get; init; }

    /// <summary>float32 [N]: third state, or null.</summary>
    public Tensor? Third { get; init; }

    /// <summary>float32 [N]: fourth state, or null: no rule sees it, but a launch may be given it in the place of another.</summary>
    public Tensor? Fourth { get; init; }

    /// <summary>float32 [N]: the anchors W0, or null: then a rule sees the weight itself in their place.</summary>
    public Tensor? Anchors { get; init; }

    /// <summary>
    /// float32 [chunks, 4], or null: then nothing is measured. With anchors: sums over the chunk of g (W - W0), of |U - W0|^2, of (U - W) ((U - W0) + (W - W0)), and of g^2.
    /// The third is |U - W0|^2 - |W - W0|^2 without its cancellation: a step is far shorter than the distance from a zero anchor.
    /// A segment that takes no part leaves 0, |W - W0|^2, 0 and 0.
    /// </summary>
    public Tensor? Partials { get; init; }

    /// <summary>float32 [segments], with <see cref="Partials"/>: the projection scale lambda * r where c &lt; 0, else 0.</summary>
    public Tensor? Scales { get; init; }

    /// <summary>float32 [rows, all segments, <see cref="TraceWidth"/>], or null: the ring of traces; the fold writes row <see cref="TraceRow"/>.</summary>
    public Tensor? Trace { get; init; }

    /// <summary>The row of the trace this step writes.</summary>
    public int TraceRow { get; set; }

    /// <summary>Which segment of the trace is the first of these: above 0 where the arena is stepped in parts.</summary>
    public int TraceSegment { get; init; }

    /// <summary>Where in the trace the row of this step begins.</summary>
    public int TraceStart => Trace is null ? 0 : (TraceRow * Trace.Shape[1] + TraceSegment) * TraceWidth;

    /// <summary>The rows that a method measures and scales one by one, or null.</summary>
    public ArenaRows? Rows { get; init; }
}
