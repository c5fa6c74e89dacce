using System.Numerics;

namespace Engine.Tensors;

/// <summary>One call of attention or its gradient: operands, extents, options.</summary>
readonly unsafe struct AttentionProblem<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public AttentionProblem(Tensor query, Tensor key, Tensor value, Tensor? mask, AttentionOptions options, Tensor y, Tensor logSumExp)
    {
        (Batch, Heads, Queries, Width) = (query.Shape[0], query.Shape[1], query.Shape[2], query.Shape[3]);
        (Groups, Keys, ValueWidth) = (key.Shape[1], key.Shape[2], value.Shape[3]);
        (Query, Key, Value, Y) = (new(query), new(key), new(value), new(y));
        LogSumExp = CpuBackend.Pointer<T>(logSumExp);
        Mask = new(mask);
        (Scale, Causal) = (T.CreateChecked(options.Scale), options.Causal);
    }

    public readonly HeadRows<T> Query, Key, Value, Y;
    public readonly T* LogSumExp;
    public readonly AttentionMask<T> Mask;
    public readonly int Batch, Heads, Groups, Queries, Keys, Width, ValueWidth;
    public readonly T Scale;
    public readonly bool Causal;

    /// <summary>Query heads that share one head of keys and values.</summary>
    public int HeadsPerGroup => Heads / Groups;

    /// <summary>Multiply-adds of one product of all queries with all keys.</summary>
    public long Work => (long)Batch * Heads * Queries * Keys * Width;

    /// <summary>How many of <paramref name="count"/> keys from <paramref name="key"/> on a query may see; it sees the first ones.</summary>
    public int Seen(int query, int key, int count) => Causal ? Math.Clamp(query + Keys - Queries + 1 - key, 0, count) : count;

    /// <summary>The row's place in logSumExp [B, H, N].</summary>
    public T* LogSumExpAt(int b, int h, int n) => LogSumExp + ((nint)b * Heads + h) * Queries + n;
}

/// <summary>How attention is cut: blocks of queries against tiles of keys.</summary>
static class AttentionBlocking
{
    /// <summary>
    /// Queries of a block: a multiple of every register tile's rows (6 and 12), and few enough that a block's scores against
    /// a tile of 200 keys (40 KB) hardly leave L1.
    /// </summary>
    public const int QueryRows = 48;

    // Elements of a tile's keys and values: 256 KB of floats, half of a 512 KB L2.
    const int TileElements = 64 * 1024;

    const int MaxKeys = 512;

    // Multiply-adds below which a second thread costs more than it gains.
    const long WorthSharing = 256 * 1024;

    /// <summary>Keys of a tile: even shares, so that no short tile pays for a whole pass over the queries.</summary>
    public static int TileKeys(int keys, int width, int valueWidth)
    {
        int most = Math.Clamp(TileElements / (width + valueWidth) / 32 * 32, 64, MaxKeys);
        int tiles = (keys + most - 1) / most;
        return Math.Min(keys, ((keys + tiles - 1) / tiles + 31) / 32 * 32);
    }

    /// <summary>
    /// Elements from row to row of a scratch buffer for rows of a length: an odd number of cache lines, so that a walk down a
    /// column visits all sets of L1.
    /// </summary>
    public static int RowStride<T>(int length) where T : unmanaged
    {
        int line = 64 / System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        return (((length + line - 1) / line) | 1) * line;
    }

    /// <summary>The next multiple.</summary>
    public static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>Runs independent tasks, on all threads if the work is worth it.</summary>
    public static void Share(int tasks, long work, Action<int> body)
    {
        if (work >= WorthSharing) ThreadTeam.For(tasks, body);
        else
            for (int task = 0; task < tasks; task++) body(task);
    }
}
