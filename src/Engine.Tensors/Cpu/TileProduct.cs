namespace Engine.Tensors;

/// <summary>
/// Small products between scratch buffers of one thread: c [rows, columns] = [c +] a b, register tile by register tile. All
/// buffers have room for whole tiles; what lies beyond rows and columns is written too and means nothing.
/// </summary>
static unsafe class TileProduct<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    /// <summary>Rows of a register tile.</summary>
    public static int TileRows => GemmTile<TLane, T>.Rows;

    /// <summary>Columns of a register tile, and of a panel of b.</summary>
    public static int TileColumns => GemmTile<TLane, T>.Columns;

    /// <summary>b is the larger side: each of its panels stays in L1 while the rows of a pass by.</summary>
    public static void ByPanels(int rows, int columns, int depth, in Left a, in Right b, T* c, nint cRow)
    {
        T* panel = b.Panels;
        for (int j = 0; j < columns; j += TileColumns, panel += b.Panel)
            AttentionMicroKernel<TLane, T>.Multiply(rows, depth, a.First, a.Row, a.Step, panel, b.Step, c + j, cRow);
    }

    /// <summary>b, whose panels lie side by side, fits L1 whole: each group of a's rows is read once. c is added to.</summary>
    public static void AddByRows(int rows, int columns, int depth, in Left a, T* b, nint bStep, T* c, nint cRow)
    {
        for (int i = 0; i < rows; i += TileRows)
            AttentionMicroKernel<TLane, T>.MultiplyAdd(columns, depth, a.First + i * a.Row, a.Row, a.Step, b, bStep, c + i * cRow, cRow);
    }

    /// <summary>The left operand: any strides.</summary>
    /// <param name="first">Its first element.</param>
    /// <param name="row">Elements from row to row.</param>
    /// <param name="step">Elements from step to step of the sum.</param>
    public readonly struct Left(T* first, nint row, nint step)
    {
        public readonly T* First = first;
        public readonly nint Row = row, Step = step;
    }

    /// <summary>The right operand: panels of <see cref="TileColumns"/> neighbouring columns.</summary>
    /// <param name="panels">The first panel.</param>
    /// <param name="panel">Elements from panel to panel.</param>
    /// <param name="step">Elements from step to step of the sum.</param>
    public readonly struct Right(T* panels, nint panel, nint step)
    {
        public readonly T* Panels = panels;
        public readonly nint Panel = panel, Step = step;
    }
}
