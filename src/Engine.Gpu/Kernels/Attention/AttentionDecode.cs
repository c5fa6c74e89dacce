using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="AttentionDecode"/>.</summary>
struct AttentionDecodeArguments<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged
{
    public AttentionOperands<TWord> Operands;

    /// <summary>[B, H, N, Dv]</summary>
    public ArrayView<TWord> Y;
    public HeadSteps YSteps;

    /// <summary>[B, H, N]</summary>
    public ArrayView<TLane> LogSumExp;

    /// <summary>[B, H, N, Splits, 2 + Dv]: of each piece of the keys the largest score, the sum of exponentials, the sum of values.</summary>
    public ArrayView<TLane> Pieces;
    public int Splits;
}

/// <summary>
/// Attention of a few queries to many keys, one token being generated: the keys are split over groups, and a second kernel
/// puts the pieces together in their order (flash-decoding, Dao et al. 2023). Pieces have one size on every device.
/// </summary>
static class AttentionDecode
{
    /// <summary>Keys of a piece, one a thread.</summary>
    public const int PieceKeys = KernelLoader.GroupSize;

    // 16 threads share a key's features and the largest of 16 scores.
    const int Fan = 16, Fold = KernelLoader.GroupSize / Fan;

    // An element more than a key has, for different banks.
    const int Pitch = Fan + 1;

    // Columns of the values that are summed at a time; four threads share one.
    const int Columns = 64, Parts = KernelLoader.GroupSize / Columns;

    /// <summary>One query and one piece of the keys: groups over heads, queries, pieces.</summary>
    public static void Piece<TElement, TWord, TLane>(AttentionDecodeArguments<TWord, TLane> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> products = SharedMemory.Allocate<TLane>(KernelLoader.GroupSize * Pitch);
        ArrayView<TLane> values = SharedMemory.Allocate<TLane>(KernelLoader.GroupSize), folded = SharedMemory.Allocate<TLane>(Fold);
        AttentionOperands<TWord> o = a.Operands;
        int row = Grid.IdxX / a.Splits, firstKey = (Grid.IdxX - row * a.Splits) * PieceKeys, thread = Group.IdxX;
        int query = row % o.Queries, pair = row / o.Queries, batch = pair / o.Heads, head = pair % o.Heads, group = head / o.HeadsPerGroup;
        int keys = IntrinsicMath.Min(PieceKeys, o.Keys - firstKey);
        int q = HeadSteps.At(o.QuerySteps, batch, head) + query * o.QuerySteps.Row, k = HeadSteps.At(o.KeySteps, batch, group);

        // 16 keys at a time, 16 neighbouring threads along the features of one.
        int lane = thread % Fan;
        for (int i = thread / Fan; i < keys; i += Fold)
        {
            TLane product = TLane.Of(0f);
            int place = k + (firstKey + i) * o.KeySteps.Row;
            for (int d = lane; d < o.Width; d += Fan) product = TLane.MulAdd(TElement.Load(o.Query[q + d]), TElement.Load(o.Key[place + d]), product);
            products[i * Pitch + lane] = product;
        }

        // From here on a thread has a key: the parts of its product are there.
        Group.Barrier();
        TLane score = TLane.Of(0f);
        if (thread < keys)
            for (int i = 0; i < Fan; i++) score += products[thread * Pitch + i];
        int mask = AttentionMasks<TElement, TWord, TLane>.Place(o, batch, head) + query * o.MaskSteps.Row, end = AttentionMasks<TElement, TWord, TLane>.Seen(o, query, 1);
        score = AttentionMasks<TElement, TWord, TLane>.Apply(o, mask, end, firstKey + thread, score);
        values[thread] = score;
        Group.Barrier();
        TLane most = score;
        if (thread < Fold)
        {
            for (int i = 0; i < Fan; i++) most = TLane.Max(most, values[thread * Fan + i]);
            folded[thread] = most;
        }

        // Each sixteenth's largest is there, and the scores are read.
        Group.Barrier();
        for (int i = 0; i < Fold; i++) most = TLane.Max(most, folded[i]);
        TLane none = TLane.Of(float.NegativeInfinity), shift = TLane.IfGreater(most, none, most, TLane.Of(0f));
        values[thread] = TLane.Exp(score - shift);
        Group.Barrier();
        if (thread < Fold)
        {
            TLane part = TLane.Of(0f);
            for (int i = 0; i < Fan; i++) part += values[thread * Fan + i];
            folded[thread] = part;
        }

        // Each sixteenth's sum is there.
        Group.Barrier();
        int piece = Grid.IdxX * (2 + o.ValueWidth);
        if (thread == 0)
        {
            TLane sum = TLane.Of(0f);
            for (int i = 0; i < Fold; i++) sum += folded[i];
            a.Pieces[piece] = most;
            a.Pieces[piece + 1] = sum;
        }

        int v = HeadSteps.At(o.ValueSteps, batch, group) + firstKey * o.ValueSteps.Row;
        for (int first = 0; first < o.ValueWidth; first += Columns)
        {
            int column = first + thread % Columns;
            TLane sum = TLane.Of(0f);
            if (column < o.ValueWidth)
                for (int i = thread / Columns; i < keys; i += Parts) sum = TLane.MulAdd(values[i], TElement.Load(o.Value[v + i * o.ValueSteps.Row + column]), sum);
            products[thread] = sum;

            // Four threads have a quarter each of a column's sum; then the next columns overwrite it.
            Group.Barrier();
            if (thread < Columns && column < o.ValueWidth)
                a.Pieces[piece + 2 + column] = products[thread] + products[thread + Columns] + products[thread + 2 * Columns] + products[thread + 3 * Columns];
            Group.Barrier();
        }
    }

    /// <summary>The pieces of one query put together: groups over heads and queries.</summary>
    public static void Combine<TElement, TWord, TLane>(AttentionDecodeArguments<TWord, TLane> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        AttentionOperands<TWord> o = a.Operands;
        int row = Grid.IdxX, query = row % o.Queries, pair = row / o.Queries;
        int step = 2 + o.ValueWidth, first = row * a.Splits * step;
        TLane none = TLane.Of(float.NegativeInfinity), most = none;
        for (int i = 0; i < a.Splits; i++) most = TLane.Max(most, a.Pieces[first + i * step]);
        TLane shift = TLane.IfGreater(most, none, most, TLane.Of(0f)), total = TLane.Of(0f);
        for (int i = 0; i < a.Splits; i++)
            total = TLane.MulAdd(TLane.Exp(a.Pieces[first + i * step] - shift), a.Pieces[first + i * step + 1], total);
        if (Group.IdxX == 0) a.LogSumExp[row] = AttentionForward.LogSumExp(most, total);
        TLane inverse = AttentionForward.Inverse(total);
        int y = HeadSteps.At(a.YSteps, pair / o.Heads, pair % o.Heads) + query * a.YSteps.Row;
        for (int column = Group.IdxX; column < o.ValueWidth; column += KernelLoader.GroupSize)
        {
            TLane sum = TLane.Of(0f);
            for (int i = 0; i < a.Splits; i++)
                sum = TLane.MulAdd(TLane.Exp(a.Pieces[first + i * step] - shift), a.Pieces[first + i * step + 2 + column], sum);
            a.Y[y + column] = TElement.Store(sum * inverse);
        }
    }
}
