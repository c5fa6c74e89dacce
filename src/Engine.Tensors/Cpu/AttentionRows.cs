using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>What attention and its gradient do to single rows.</summary>
static unsafe class AttentionRows<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Copies rows times a factor to where they lie dense, with rows of zeros up to a whole register tile and zeros behind each row.</summary>
    public static void Load(T* source, nint sourceStride, int width, T factor, int rows, T* target, int stride)
    {
        for (int r = 0; r < rows; r++)
        {
            RowMath<TLane, T>.Multiply(source + r * sourceStride, factor, target + r * stride, width);
            new Span<T>(target + r * stride + width, stride - width).Clear();
        }

        int whole = AttentionBlocking.RoundUp(rows, TileProduct<TLane, T>.TileRows);
        new Span<T>(target + rows * stride, (whole - rows) * stride).Clear();
    }

    /// <summary>Applies mask and causality to one row of scores; up to the next whole vector all that is not seen becomes minus infinity.</summary>
    /// <param name="p">The problem.</param>
    /// <param name="batch">The sequence.</param>
    /// <param name="head">The head.</param>
    /// <param name="row">The query.</param>
    /// <param name="key">The first key of the tile.</param>
    /// <param name="seen">How many keys of the tile some query of the block sees.</param>
    /// <param name="sharedMask">The mask if all queries have the same, or null.</param>
    /// <param name="room">Space for a row of the mask.</param>
    /// <param name="s">The scores.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Mask(in AttentionProblem<T> p, int batch, int head, int row, int key, int seen, T* sharedMask, T* room, T* s)
    {
        int visible = p.Seen(row, key, seen), end = AttentionBlocking.RoundUp(seen, TLane.Count);
        if (p.Mask.Exists)
            RowMath<TLane, T>.Add(sharedMask != null ? sharedMask : p.Mask.Row(batch, head, row, key, visible, room), s, visible);
        for (int j = visible; j < end; j++) s[j] = T.NegativeInfinity;
    }
}
