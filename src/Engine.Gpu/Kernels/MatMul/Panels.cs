using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>One operand of <see cref="Panels.Pack"/>.</summary>
struct PanelArguments<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged
{
    public ArrayView<TWord> X;
    public ArrayView<TLane> Packed;

    /// <summary>Row is the stride along K, Column the one across.</summary>
    public MatrixPlaces Places;
    public Axes Batch;

    /// <summary>Extents along K and across, elements of a panel across, panels of a matrix, threads along K, threads in all.</summary>
    public int K, Extent, Width, PanelCount, Chunks, Count;
}

/// <summary>
/// Operands in the order in which <see cref="PanelProduct"/> reads them: panels [K, width] one after another, widened, the last one
/// filled up with zeros.
/// </summary>
static class Panels
{
    /// <summary>Elements along K that one thread moves: a cache line of an operand that is dense along K.</summary>
    public const int Chunk = 16;

    /// <summary>Both operands of a product in one launch: first the threads of a, then those of b.</summary>
    public static void Pack<TElement, TWord, TLane, TRight, TRightWord>(PanelPairArguments<TWord, TLane, TRightWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TRight : struct, IGpuElement<TRightWord, TLane>
        where TRightWord : unmanaged
    {
        int item = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (item < a.Left.Count) Move<TElement, TWord, TLane>(a.Left, item);
        else if (item - a.Left.Count < a.Right.Count) Move<TRight, TRightWord, TLane>(a.Right, item - a.Left.Count);
    }

    static void Move<TElement, TWord, TLane>(PanelArguments<TWord, TLane> a, int item)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int panels = item / a.Chunks, firstK = (item - panels * a.Chunks) * Chunk;
        int product = panels / a.PanelCount, first = (panels - product * a.PanelCount) * a.Width;
        int endK = firstK + Chunk < a.K ? firstK + Chunk : a.K;
        int there = a.Extent - first < a.Width ? a.Extent - first : a.Width;
        int from = MatrixPlaces.Start(a.Places, Axes.At(a.Batch, product)) + first * a.Places.Column;
        int to = panels * a.K * a.Width;
        TLane zero = TLane.Of(0f);
        for (int k = firstK; k < endK; k++)
        {
            int source = from + k * a.Places.Row, target = to + k * a.Width;
            for (int i = 0; i < there; i++) a.Packed[target + i] = TElement.Load(a.X[source + i * a.Places.Column]);
            for (int i = there; i < a.Width; i++) a.Packed[target + i] = zero;
        }
    }
}

/// <summary>Arguments of <see cref="Panels.Pack"/>.</summary>
struct PanelPairArguments<TWord, TLane, TRightWord>
    where TWord : unmanaged
    where TLane : unmanaged
    where TRightWord : unmanaged
{
    public PanelArguments<TWord, TLane> Left;
    public PanelArguments<TRightWord, TLane> Right;
}
