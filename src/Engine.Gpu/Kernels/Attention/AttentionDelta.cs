using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="AttentionDelta"/>.</summary>
struct AttentionDeltaArguments<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged
{
    /// <summary>[B, H, N, Dv]</summary>
    public ArrayView<TWord> DY, Y;
    public HeadSteps DYSteps, YSteps;

    /// <summary>[B, H, N]</summary>
    public ArrayView<TLane> Delta;
    public int Heads, Queries, Width, Rows;
}

/// <summary>delta = sum(dy y) of each row. 16 threads share a row, so that a group reads along 16 of them.</summary>
static class AttentionDelta
{
    const int ThreadsOfRow = 16;

    /// <summary>Rows of a group.</summary>
    public const int RowsOfGroup = KernelLoader.GroupSize / ThreadsOfRow;

    public static void Run<TElement, TWord, TLane>(AttentionDeltaArguments<TWord, TLane> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> partial = SharedMemory.Allocate<TLane>(KernelLoader.GroupSize);
        int lane = Group.IdxX % ThreadsOfRow, row = Grid.IdxX * RowsOfGroup + Group.IdxX / ThreadsOfRow;
        TLane sum = TLane.Of(0f);
        if (row < a.Rows)
        {
            int query = row % a.Queries, pair = row / a.Queries, batch = pair / a.Heads, head = pair % a.Heads;
            int dy = HeadSteps.At(a.DYSteps, batch, head) + query * a.DYSteps.Row, y = HeadSteps.At(a.YSteps, batch, head) + query * a.YSteps.Row;
            for (int i = lane; i < a.Width; i += ThreadsOfRow) sum = TLane.MulAdd(TElement.Load(a.DY[dy + i]), TElement.Load(a.Y[y + i]), sum);
        }

        partial[Group.IdxX] = sum;

        // One thread of a row adds its partial sums in their order.
        Group.Barrier();
        if (lane > 0 || row >= a.Rows) return;
        for (int i = 1; i < ThreadsOfRow; i++) sum += partial[Group.IdxX + i];
        a.Delta[row] = sum;
    }
}
