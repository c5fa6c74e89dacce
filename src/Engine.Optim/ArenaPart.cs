using Engine.Tensors;

namespace Engine.Optim;

/// <summary>Some segments of an arena side by side, stepped as an arena of their own: usually all of them.</summary>
sealed class ArenaPart(ParameterArena arena, int firstSegment, int segmentCount)
{
    readonly int first = arena.Segments[firstSegment].First;
    readonly int end = firstSegment + segmentCount < arena.Segments.Count ? arena.Segments[firstSegment + segmentCount].First : arena.Length;

    public int FirstSegment => firstSegment;

    public int SegmentCount => segmentCount;

    /// <summary>The optimizer's launches.</summary>
    public ArenaStep Step { get; set; } = null!;

    /// <summary>The launches of a projection that measures for itself, or null.</summary>
    public ArenaStep? Projection { get; set; }

    /// <summary>This part of a buffer of the arena's length.</summary>
    public Tensor Elements(Tensor buffer) => buffer.Slice(0, first, end);

    /// <summary>This part of a table with an entry a segment.</summary>
    public Tensor Rows(Tensor table) => table.Slice(0, firstSegment, firstSegment + segmentCount);

    /// <summary>This part of what rows keep.</summary>
    public Tensor RowsOf(Tensor kept, ArenaGrain grain)
    {
        int before = Count(0, firstSegment);
        return kept.Slice(0, before, before + Count(firstSegment, segmentCount));

        int Count(int from, int count) => arena.Segments.Skip(from).Take(count).Sum(segment => ArenaTables.RowsOf(segment, grain));
    }

    /// <summary>Zeros for what segments remember and what rows keep.</summary>
    public static (Tensor Memory, Tensor Kept) MemoryOf(ParameterArena arena, ArenaGrain grain) => (
        Tensor.Zeros([arena.Segments.Count, 4], DType.Float32, arena.Device),
        Tensor.Zeros([arena.Segments.Sum(segment => ArenaTables.RowsOf(segment, grain))], DType.Float32, arena.Device));

    /// <summary>The parts an arena is stepped in: as few as have at most so many elements each, or one segment.</summary>
    public static IEnumerable<(int First, int Count)> Split(ParameterArena arena, int limit)
    {
        int first = 0;
        for (int i = 1; i <= arena.Segments.Count; i++)
        {
            if (i < arena.Segments.Count && arena.Segments[i].First + (long)arena.Segments[i].Length - arena.Segments[first].First <= limit) continue;
            yield return (first, i - first);
            first = i;
        }
    }
}
