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
    public Extent E0, E1, E2, E3, E4, E5, E6, E7;

    /// <summary>The axes of a walk.</summary>
    /// <exception cref="ShapeException">There are more than eight.</exception>
    public static Axes Of(StridedWalk walk, string operation)
    {
        if (walk.Rank > MaximumRank)
            throw new ShapeException($"{operation}: {walk.Rank} axes that do not merge are more than the {MaximumRank} that a GPU kernel walks over; make an operand contiguous.");
        return new()
        {
            Rank = walk.Rank,
            E0 = ExtentOf(walk, 0),
            E1 = ExtentOf(walk, 1),
            E2 = ExtentOf(walk, 2),
            E3 = ExtentOf(walk, 3),
            E4 = ExtentOf(walk, 4),
            E5 = ExtentOf(walk, 5),
            E6 = ExtentOf(walk, 6),
            E7 = ExtentOf(walk, 7),
        };
    }

    static Extent ExtentOf(StridedWalk walk, int axis) => new(axis < walk.Rank ? walk.Extent(walk.Rank - 1 - axis) : 1);

    /// <summary>The coordinates of a place, innermost first.</summary>
    public static Coordinates At(Axes axes, int place)
    {
        Coordinates at = default;
        if (axes.Rank <= 1)
        {
            at.C0 = place;
            return at;
        }

        int outer = Extent.Divide(place, axes.E0);
        at.C0 = place - outer * axes.E0.Count;
        if (axes.Rank == 2)
        {
            at.C1 = outer;
            return at;
        }

        place = outer;
        outer = Extent.Divide(place, axes.E1);
        at.C1 = place - outer * axes.E1.Count;
        if (axes.Rank == 3)
        {
            at.C2 = outer;
            return at;
        }

        place = outer;
        outer = Extent.Divide(place, axes.E2);
        at.C2 = place - outer * axes.E2.Count;
        if (axes.Rank == 4)
        {
            at.C3 = outer;
            return at;
        }

        place = outer;
        outer = Extent.Divide(place, axes.E3);
        at.C3 = place - outer * axes.E3.Count;
        if (axes.Rank == 5)
        {
            at.C4 = outer;
            return at;
        }

        place = outer;
        outer = Extent.Divide(place, axes.E4);
        at.C4 = place - outer * axes.E4.Count;
        if (axes.Rank == 6)
        {
            at.C5 = outer;
            return at;
        }

        place = outer;
        outer = Extent.Divide(place, axes.E5);
        at.C5 = place - outer * axes.E5.Count;
        if (axes.Rank == 7)
        {
            at.C6 = outer;
            return at;
        }

        place = outer;
        outer = Extent.Divide(place, axes.E6);
        at.C6 = place - outer * axes.E6.Count;
        at.C7 = outer;
        return at;
    }
}

/// <summary>
/// An axis' extent d, and what divides by it without a division, which costs a device dozens of instructions: for places n
/// below 2^31 and s the bits of d - 1, floor(n / d) = n ceil(2^(31 + s) / d) / 2^(31 + s) (Granlund and Montgomery 1994).
/// </summary>
readonly struct Extent
{
    public readonly int Count;
    readonly uint multiplier;
    readonly int shift;

    public Extent(int count)
    {
        Count = count;
        shift = 31 + (count <= 1 ? 0 : 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)(count - 1)));
        multiplier = (uint)(((1UL << shift) + (ulong)count - 1) / (ulong)count);
    }

    /// <summary>place / extent, rounded down.</summary>
    public static int Divide(int place, Extent extent) => (int)(((ulong)(uint)place * extent.multiplier) >> extent.shift);
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
