namespace Engine.Tensors;

/// <summary>
/// Hands out independent <see cref="Philox"/> streams of one seed, one per use: weight initialisation, each dropout of each
/// step. Seed and <see cref="Position"/> say everything about what comes next, so a run can be resumed.
/// </summary>
/// <param name="seed">The key of all streams.</param>
/// <param name="position">The first stream to hand out.</param>
public sealed class RandomSource(ulong seed, ulong position = 0)
{
    /// <summary>The key of all streams.</summary>
    public ulong Seed => seed;

    /// <summary>The next stream.</summary>
    public ulong Position { get; set; } = position;

    /// <summary>A stream that nobody else has.</summary>
    public Philox Next() => new(seed, Position++);
}
