using Engine.Tensors;

namespace Engine.Optim;

/// <summary>The tables by which a device finds its way through some segments of an arena that lie side by side.</summary>
static class ArenaTables
{
    /// <summary>Chunks and segments; elements are counted from the first segment's first.</summary>
    public static (Tensor Chunks, Tensor Segments) Chunks(ReadOnlySpan<ArenaSegment> segments, Device device)
    {
        List<int> chunks = [];
        int[] table = new int[2 * segments.Length];
        for (int i = 0; i < segments.Length; i++)
        {
            int first = segments[i].First - segments[0].First;
            table[2 * i] = chunks.Count / 3;
            for (int done = 0; done < segments[i].Length; done += ArenaStep.ChunkLength)
                chunks.AddRange([i, first + done, Math.Min(ArenaStep.ChunkLength, segments[i].Length - done)]);
            table[2 * i + 1] = chunks.Count / 3 - table[2 * i];
        }

        return (Tensor.From<int>(chunks.ToArray(), [chunks.Count / 3, 3], device), Tensor.From<int>(table, [segments.Length, 2], device));
    }

    /// <summary>Rows of a grain, with room for their sums.</summary>
    /// <param name="segments">The segments.</param>
    /// <param name="grain">Whole tensors or rows.</param>
    /// <param name="memory">[segments, 4]</param>
    /// <param name="kept">[rows]</param>
    /// <param name="device">Where.</param>
    public static ArenaRows Rows(ReadOnlySpan<ArenaSegment> segments, ArenaGrain grain, Tensor memory, Tensor kept, Device device)
    {
        List<int> pieces = [], rows = [];
        int[] table = new int[4 * segments.Length];
        for (int i = 0; i < segments.Length; i++)
        {
            int first = segments[i].First - segments[0].First, count = RowsOf(segments[i], grain), length = count == 0 ? 1 : segments[i].Length / count;
            (table[4 * i], table[4 * i + 1], table[4 * i + 2], table[4 * i + 3]) = (rows.Count / 2, count, length, first);
            for (int row = 0; row < count; row++)
            {
                int before = pieces.Count / 4;
                for (int done = 0; done < length; done += ArenaStep.ChunkLength)
                    pieces.AddRange([rows.Count / 2, first + row * length + done, Math.Min(ArenaStep.ChunkLength, length - done), i]);
                rows.AddRange([before, pieces.Count / 4 - before]);
            }
        }

        return new()
        {
            Pieces = Tensor.From<int>(pieces.ToArray(), [pieces.Count / 4, 4], device),
            Table = Tensor.From<int>(rows.ToArray(), [rows.Count / 2, 2], device),
            Segments = Tensor.From<int>(table, [segments.Length, 4], device),
            Sums = Tensor.Zeros([pieces.Count / 4, 4], DType.Float32, device),
            Memory = memory,
            Kept = kept,
            Scales = Tensor.Zeros([rows.Count / 2], DType.Float32, device),
        };
    }

    /// <summary>How many rows a segment has.</summary>
    public static int RowsOf(ArenaSegment segment, ArenaGrain grain) =>
        segment.Length == 0 ? 0 : grain == ArenaGrain.Row && segment.Parameter.Rank > 1 ? segment.Parameter.Shape[0] : 1;
}
