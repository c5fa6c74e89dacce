namespace Engine.Tensors;

/// <summary>What happens to a tile after the micro-kernel, while it is still in L1: the activation, and tiles that hang over y's edge.</summary>
static unsafe class GemmEpilogue<TLane, T, TActivation>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    where TActivation : struct, IUnary
{
    static int TileColumns => GemmTile<TLane, T>.Columns;

    /// <summary>y = activation(sums) [+ y] for a whole tile with dense rows; y may be where the sums are.</summary>
    public static void Full(TActivation activation, T* sums, nint sumsRow, T* y, nint yRow, bool accumulate)
    {
        for (int row = 0; row < GemmTile<TLane, T>.Rows; row++, sums += sumsRow, y += yRow)
        {
            for (int j = 0; j < TileColumns; j += TLane.Count)
            {
                TLane value = activation.Apply(TLane.Load(sums + j));
                TLane.Store(accumulate ? TLane.Load(y + j) + value : value, y + j);
            }
        }
    }

    /// <summary>tile += bias, tile += sums, sums = tile, each if wanted, over the part of the tile that lies within y.</summary>
    public static void Sum(T* tile, int rows, int cols, T* bias, T* sums, nint sumsRow, nint sumsColumn, bool add, bool keep)
    {
        for (int row = 0; row < rows; row++, tile += TileColumns, sums += sumsRow)
        {
            if (bias != null)
                for (int j = 0; j < cols; j++) tile[j] += bias[j];
            if (add)
                for (int j = 0; j < cols; j++) tile[j] += sums[j * sumsColumn];
            if (keep)
                for (int j = 0; j < cols; j++) sums[j * sumsColumn] = tile[j];
        }
    }

    /// <summary>y = activation(tile) [+ y] over the part of the tile that lies within y. Whole vectors are computed, as in <see cref="Full"/>.</summary>
    public static void Part(TActivation activation, T* tile, int rows, int cols, T* y, nint yRow, nint yColumn, bool accumulate)
    {
        for (int row = 0; row < rows; row++, tile += TileColumns, y += yRow)
        {
            for (int j = 0; j < cols; j += TLane.Count) TLane.Store(activation.Apply(TLane.Load(tile + j)), tile + j);
            for (int j = 0; j < cols; j++)
            {
                T* to = y + j * yColumn;
                *to = accumulate ? *to + tile[j] : tile[j];
            }
        }
    }
}
