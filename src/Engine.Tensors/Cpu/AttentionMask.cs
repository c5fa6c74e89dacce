namespace Engine.Tensors;

/// <summary>A mask [P, H, N, M] of any strides, read as numbers to add to the scores; sequence b has that of b mod P.</summary>
readonly unsafe struct AttentionMask<T> where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
{
    readonly T* added;
    readonly byte* seen;
    readonly int period;
    readonly nint batchStride, headStride, rowStride, keyStride;

    public AttentionMask(Tensor? mask)
    {
        if (mask is null) return;
        if (mask.DType == DType.Bool) seen = CpuBackend.Pointer<byte>(mask);
        else added = CpuBackend.Pointer<T>(mask);
        period = mask.Shape[0];
        (batchStride, headStride, rowStride, keyStride) = (mask.Strides[0], mask.Strides[1], mask.Strides[2], mask.Strides[3]);
    }

    /// <summary>Whether there is a mask.</summary>
    public bool Exists => added != null || seen != null;

    /// <summary>Whether all queries of a head have the same mask: who is seen at all (padding).</summary>
    public bool IsSameForAllQueries => rowStride == 0;

    /// <summary>What to add to the scores of a query with the keys from <paramref name="key"/> on.</summary>
    /// <param name="b">The sequence.</param>
    /// <param name="h">The head.</param>
    /// <param name="n">The query.</param>
    /// <param name="key">The first key.</param>
    /// <param name="count">How many keys.</param>
    /// <param name="room">Space for count numbers, used where the mask does not hold them side by side.</param>
    public T* Row(int b, int h, int n, int key, int count, T* room)
    {
        nint offset = b % period * batchStride + h * headStride + n * rowStride + key * keyStride;
        if (added != null)
        {
            T* source = added + offset;
            if (keyStride == 1) return source;
            for (int j = 0; j < count; j++) room[j] = source[j * keyStride];
            return room;
        }

        byte* visible = seen + offset;
        for (int j = 0; j < count; j++) room[j] = visible[j * keyStride] != 0 ? T.Zero : T.NegativeInfinity;
        return room;
    }
}
