using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;

namespace Engine.Tensors;

/// <summary>
/// The piece of y that the micro-kernel keeps in registers: <see cref="Rows"/> rows of two vectors. All members are
/// constants to the JIT.
/// </summary>
/// <remarks>
/// One step along K loads two vectors of b, broadcasts one element of a per row, and does two multiply-adds per row. With 16
/// registers 6 rows leave 12 accumulators, 2 vectors of b and one broadcast; with 32 registers (AVX-512, Neon) 12 rows leave
/// 24. Both are more than the 8 multiply-adds that two units of latency 4 have in flight.
/// </remarks>
static class GemmTile<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    /// <summary>Rows of the tile.</summary>
    public static int Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => typeof(TLane) == typeof(Lane512<float>) || typeof(TLane) == typeof(Lane512<double>) || AdvSimd.IsSupported ? 12 : 6;
    }

    /// <summary>Columns of the tile: two vectors.</summary>
    public static int Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TLane.Count;
    }
}

/// <summary>How a product is cut so that each piece stays in the cache it is read from.</summary>
static class GemmBlocking
{
    /// <summary>
    /// The most steps along K that are done at once: 256 steps of a panel of b, 16 floats wide, are 16 KB, half of a 32 KB L1,
    /// and every panel of a streams past it. The same for every vector width, so that sums have the same order, and the same
    /// bits, on all processors that fuse multiply and add.
    /// </summary>
    const int MaxDepth = 256;

    /// <summary>Elements of a packed block of a: 192 KB of floats, less than half of a 512 KB L2.</summary>
    public const int BlockElements = 48 * 1024;

    /// <summary>Columns of b that are packed at once.</summary>
    public const int MaxColumns = 4096;

    /// <summary>
    /// Elements of b, for each thread, that are packed before they are used: 256 KB of floats. A wide b fills more with a single
    /// block of K; of a narrow one several blocks fit, and the threads meet less often.
    /// </summary>
    public const int StageElements = 64 * 1024;

    /// <summary>Steps along K per block: even shares, since a short last block would pay for a whole pass over y.</summary>
    public static int Depth(int k)
    {
        int blocks = (k + MaxDepth - 1) / MaxDepth;
        return RoundUp((k + blocks - 1) / blocks, 8);
    }

    /// <summary>The smallest multiple of a unit that is not below the value.</summary>
    public static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
