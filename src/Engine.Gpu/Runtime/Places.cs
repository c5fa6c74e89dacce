using Engine.Tensors;

namespace Engine.Gpu;

/// <summary>
/// The shape that a strided kernel walks over, its axes merged where all operands allow: the extents, innermost first.
/// Fields instead of arrays, since arrays in a kernel end in slow memory.
/// </summary>
struct Axes
{
    /// <summary>The most axes that are left after merging.</summary>
    public const int MaximumRank = 8;

    public int Rank;
    public int E0, E1, E2, E3, E4, E5, E6, E7;

    /// <summary>The axes of a walk.</summary>
    /// <exception cref="ShapeException">There are more than eight.</exception>
    public static Axes Of(StridedWalk walk, string operation)
    {
        if (walk.Rank > MaximumRank)
            throw new ShapeException($"{operation}: {walk.Rank} axes that do not merge are more than the {MaximumRank} that a GPU kernel walks over; make an operand contiguous.");
        return new()
        {
            Rank = walk.Rank,
            E0 = Extent(walk, 0),
            E1 = Extent(walk, 1),
            E2 = Extent(walk, 2),
            E3 = Extent(walk, 3),
            E4 = Extent(walk, 4),
            E5 = Extent(walk, 5),
            E6 = Extent(walk, 6),
            E7 = Extent(walk, 7),
        };
    }

    static int Extent(StridedWalk walk, int axis) => axis < walk.Rank ? walk.Extent(walk.Rank - 1 - axis) : 1;

    /// <summary>The coordinates of a place, innermost first.</summary>
    public static Coordinates At(Axes axes, int place)
    {
        Coordinates at = default;
        if (axes.Rank <= 1)
        {
            at.C0 = place;
            return at;
        }

        int outer = place / axes.E0;
        at.C0 = place - outer * axes.E0;
        place = outer;
        outer = place / axes.E1;
        at.C1 = place - outer * axes.E1;
        if (axes.Rank <= 2) return at;
        place = outer;
        outer = place / axes.E2;
        at.C2 = place - outer * axes.E2;
        place = outer;
        outer = place / axes.E3;
        at.C3 = place - outer * axes.E3;
        if (axes.Rank <= 4) return at;
        place = outer;
        outer = place / axes.E4;
        at.C4 = place - outer * axes.E4;
        place = outer;
        outer = place / axes.E5;
        at.C5 = place - outer * axes.E5;
        if (axes.Rank <= 6) return at;
        place = outer;
        outer = place / axes.E6;
        at.C6 = place - outer * axes.E6;
        at.C7 = outer;
        return at;
    }
}

/// <summary>A place as coordinates along <see cref="Axes"/>, innermost first.</summary>
struct Coordinates
{
    public int C0, C1, C2, C3, C4, C5, C6, C7;
}

/// <summary>An operand's strides along <see cref="Axes"/>, and where its first element is in its view.</summary>
struct Steps
{
    public int Origin;
    public int S0, S1, S2, S3, S4, S5, S6, S7;

    /// <summary>The strides of one operand of a walk.</summary>
    public static Steps Of(StridedWalk walk, int operand, int origin) => new()
    {
        Origin = origin,
        S0 = Stride(walk, operand, 0),
        S1 = Stride(walk, operand, 1),
        S2 = Stride(walk, operand, 2),
        S3 = Stride(walk, operand, 3),
        S4 = Stride(walk, operand, 4),
        S5 = Stride(walk, operand, 5),
        S6 = Stride(walk, operand, 6),
        S7 = Stride(walk, operand, 7),
    };

    static int Stride(StridedWalk walk, int operand, int axis) => axis < walk.Rank ? (int)walk.Stride(operand, walk.Rank - 1 - axis) : 0;

    /// <summary>Where the element at some coordinates is in the operand's view; never negative.</summary>
    public static int At(Steps steps, Coordinates at) =>
        steps.Origin + at.C0 * steps.S0 + at.C1 * steps.S1 + at.C2 * steps.S2 + at.C3 * steps.S3
        + at.C4 * steps.S4 + at.C5 * steps.S5 + at.C6 * steps.S6 + at.C7 * steps.S7;
}
