namespace Engine.Tensors;

/// <summary>
/// Small products between scratch buffers of one thread, register tile by register tile. All buffers have room for whole
/// tiles; what lies beyond rows and columns is written too and means nothing.
/// </summary>
static unsafe class TileProduct<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    /// <summary>Rows of a register tile.</summary>
    public static int TileRows => GemmTile<TLane, T>.Rows;

    /// <summary>Columns of a register tile, and of a packed panel of b.</summary>
    public static int TileColumns => GemmTile<TLane, T>.Columns;

    /// <summary>c = a b where b is the larger side and packed in panels: each of them stays in L1 while the rows of a pass by.</summary>
    /// <param name="rows">Rows of a and c.</param>
    /// <param name="columns">Columns of b and c.</param>
    /// <param name="depth">Steps of the sum.</param>
    /// <param name="a">Rows of a.</param>
    /// <param name="aRow">Elements from row to row.</param>
    /// <param name="b">The panels, see <see cref="GemmPacking{TLane, T}"/>.</param>
    /// <param name="panel">Elements from panel to panel.</param>
    /// <param name="c">Rows of c.</param>
    /// <param name="cRow">Elements from row to row.</param>
    public static void Multiply(int rows, int columns, int depth, T* a, nint aRow, T* b, nint panel, T* c, nint cRow)
    {
        for (int j = 0; j < columns; j += TileColumns, b += panel)
            AttentionMicroKernel<TLane, T>.Multiply(rows, depth, a, aRow, b, c + j, cRow);
    }

    /// <summary>c += a^T b where b fits L1 whole: each column of a is read once.</summary>
    /// <param name="rows">Columns of a, rows of c.</param>
    /// <param name="columns">Columns of b and c.</param>
    /// <param name="depth">Rows of a and b: steps of the sum.</param>
    /// <param name="a">Rows of a.</param>
    /// <param name="aStep">Elements from row to row.</param>
    /// <param name="b">Rows of b.</param>
    /// <param name="bStep">Elements from row to row.</param>
    /// <param name="c">Rows of c.</param>
    /// <param name="cRow">Elements from row to row.</param>
    public static void AddTransposed(int rows, int columns, int depth, T* a, nint aStep, T* b, nint bStep, T* c, nint cRow)
    {
        for (int i = 0; i < rows; i += TileRows)
            AttentionMicroKernel<TLane, T>.MultiplyAdd(columns, depth, a + i, aStep, b, bStep, c + i * cRow, cRow);
    }
}
