using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// y = fold of x over some axes. The order of every fold follows from shapes and strides alone: short runs in sequence,
/// runs combined pairwise, so that sums of millions of floats keep six digits and no number of threads changes a bit.
/// </summary>
/// <remarks>
/// Where x is dense along a folded axis, lines are folded (<see cref="FoldLines{TOp, TLane, T}"/>); where it is dense along
/// a kept one, whole rows are folded onto each other (<see cref="FoldRows{TOp, TLane, T}"/>); else a dense copy is made first.
/// </remarks>
readonly struct ReduceKernel<TOp>(TOp op, Tensor x, Tensor y) : ISimdKernel where TOp : struct, IReduction
{
    readonly TOp op = op;
    readonly Tensor x = x, y = y;

    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        Tensor keptPart = x, foldedPart = x;
        for (int axis = 0; axis < x.Rank; axis++)
        {
            if (y.Shape[axis] == x.Shape[axis]) foldedPart = foldedPart.Slice(axis, 0, 1);
            else keptPart = keptPart.Slice(axis, 0, 1);
        }

        StridedWalk kept = StridedWalk.Over(keptPart, y), folded = StridedWalk.Over(foldedPart);
        if (folded.InnerStride(0) == 1 && (folded.Inner > 1 || kept.Rank == 0))
        {
            FoldLines<TOp, TLane, T>.Run(op, x, y, kept, folded);
        }
        else if (kept.Rank > 0 && kept.InnerStride(0) == 1)
        {
            FoldRows<TOp, TLane, T>.Run(op, x, y, kept, folded);
        }
        else
        {
            Tensor dense = x.Clone();
            new ReduceKernel<TOp>(op, dense, y).Run<TLane, T>();
            dense.Release();
        }
    }
}

/// <summary>Folds dense lines of elements, each output from one or several of them.</summary>
static unsafe class FoldLines<TOp, TLane, T>
    where TOp : struct, IReduction
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    // A leaf is folded by eight vector accumulators in 64 steps, leaves of a piece pairwise, pieces of an output pairwise.
    const int Accumulators = 8, Steps = 64, Leaves = 16;

    static int Leaf => Accumulators * Steps * TLane.Count;

    static int Piece => Leaves * Leaf;

    public static void Run(TOp op, Tensor x, Tensor y, StridedWalk kept, StridedWalk folded)
    {
        T* px = CpuBackend.Pointer<T>(x), py = CpuBackend.Pointer<T>(y);
        int piecesPerLine = (folded.Inner + Piece - 1) / Piece;
        int pieces = checked((int)(folded.Count / folded.Inner * piecesPerLine));
        int outputs = checked((int)kept.Count);
        if (outputs < 32 && folded.Count > 2 * Piece)
        {
            SplitOutputs(op, px, py, kept, folded, outputs, pieces, piecesPerLine);
            return;
        }

        int each = (int)Math.Max(1, Map.Grain / folded.Count), items = (outputs + each - 1) / each;
        if (items == 1) Outputs(0);
        else ThreadTeam.For(items, Outputs);

        void Outputs(int item)
        {
            int end = Math.Min(outputs, (item + 1) * each);
            for (int output = item * each; output < end; output++)
            {
                T* origin = px + kept.Offset(0, output);
                py[kept.Offset(1, output)] = pieces == 1 ? Lane(op, FoldPiece(op, folded, origin, 0, 1)) : FoldPieces(op, folded, origin, pieces, piecesPerLine);
            }
        }
    }

    static T FoldPieces(TOp op, StridedWalk folded, T* origin, int pieces, int piecesPerLine)
    {
        Cascade<TOp, TLane, T> total = new(op);
        for (int piece = 0; piece < pieces; piece++) total.Add(FoldPiece(op, folded, origin, piece, piecesPerLine));
        return Lane(op, total.Vector());
    }

    // Few outputs of many elements: the pieces are what threads share, their vectors wait in a buffer.
    static void SplitOutputs(TOp op, T* px, T* py, StridedWalk kept, StridedWalk folded, int outputs, int pieces, int piecesPerLine)
    {
        int width = TLane.Count;
        T[] partials = new T[(long)outputs * pieces * width];
        fixed (T* held = partials)
        {
            T* partial = held;
            ThreadTeam.For(checked(outputs * pieces), item =>
                TLane.Store(FoldPiece(op, folded, px + kept.Offset(0, item / pieces), item % pieces, piecesPerLine), partial + (long)item * width));
            for (int output = 0; output < outputs; output++)
            {
                Cascade<TOp, TLane, T> total = new(op);
                for (int piece = 0; piece < pieces; piece++) total.Add(TLane.Load(partial + ((long)output * pieces + piece) * width));
                py[kept.Offset(1, output)] = Lane(op, total.Vector());
            }
        }
    }

    static TLane FoldPiece(TOp op, StridedWalk folded, T* origin, int piece, int piecesPerLine)
    {
        (int line, int part) = Math.DivRem(piece, piecesPerLine);
        T* x = origin + (line == 0 ? 0 : folded.Offset(0, (long)line * folded.Inner)) + part * Piece;
        int count = Math.Min(Piece, folded.Inner - part * Piece);
        return count <= Leaf ? FoldLeaf(op, x, count) : FoldLeaves(op, x, count);
    }

    static TLane FoldLeaves(TOp op, T* x, int count)
    {
        Cascade<TOp, TLane, T> total = new(op);
        for (int i = 0; i < count; i += Leaf) total.Add(FoldLeaf(op, x + i, Math.Min(Leaf, count - i)));
        return total.Vector();
    }

    // The lanes of a vector folded into one: halves onto each other.
    [SkipLocalsInit]
    static T Lane(TOp op, TLane total)
    {
        int width = TLane.Count;
        T* lanes = stackalloc T[2 * width];
        TLane.Store(total, lanes + width);
        for (int half = width / 2; half > 0; half /= 2)
        {
            TLane.Store(total, lanes);
            total = op.Combine(total, TLane.Load(lanes + half));
        }

        TLane.Store(total, lanes);
        return lanes[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static TLane FoldLeaf(TOp op, T* x, int count)
    {
        int width = TLane.Count, i = 0;
        TLane a = op.Start<TLane>();
        if (count >= Accumulators * width)
        {
            TLane b = a, c = a, d = a, e = a, f = a, g = a, h = a;
            for (; i <= count - Accumulators * width; i += Accumulators * width)
            {
                T* at = x + i;
                a = op.Combine(a, op.Map(TLane.Load(at)));
                b = op.Combine(b, op.Map(TLane.Load(at + width)));
                c = op.Combine(c, op.Map(TLane.Load(at + 2 * width)));
                d = op.Combine(d, op.Map(TLane.Load(at + 3 * width)));
                e = op.Combine(e, op.Map(TLane.Load(at + 4 * width)));
                f = op.Combine(f, op.Map(TLane.Load(at + 5 * width)));
                g = op.Combine(g, op.Map(TLane.Load(at + 6 * width)));
                h = op.Combine(h, op.Map(TLane.Load(at + 7 * width)));
            }

            a = op.Combine(op.Combine(op.Combine(a, b), op.Combine(c, d)), op.Combine(op.Combine(e, f), op.Combine(g, h)));
        }

        for (; i <= count - width; i += width) a = op.Combine(a, op.Map(TLane.Load(x + i)));
        return i == count ? a : op.Combine(a, Rest(op, x + i, count - i));
    }

    // The last few elements as a vector; lanes beyond them hold the value that changes nothing.
    [SkipLocalsInit]
    static TLane Rest(TOp op, T* x, int count)
    {
        int width = TLane.Count;
        T* lanes = stackalloc T[2 * width];
        for (int lane = 0; lane < width; lane++) lanes[lane] = x[Math.Min(lane, count - 1)];
        TLane.Store(op.Map(TLane.Load(lanes)), lanes);
        TLane.Store(op.Start<TLane>(), lanes + count);
        return TLane.Load(lanes);
    }
}

/// <summary>
/// Combines a stream of vectors pairwise: the k-th waits until as many others are combined behind it, like carries of a
/// binary counter. The error of a sum grows with the logarithm of its length.
/// </summary>
ref struct Cascade<TOp, TLane, T>(TOp op)
    where TOp : struct, IReduction
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    readonly TOp op = op;
    Levels waiting;
    int count;

    [InlineArray(32)]
    struct Levels
    {
        TLane first;
    }

    /// <summary>Takes the next vector.</summary>
    public void Add(TLane value)
    {
        int level = 0;
        for (int carry = count++; (carry & 1) != 0; carry >>= 1) value = op.Combine(waiting[level++], value);
        waiting[level] = value;
    }

    /// <summary>All of them combined, lane by lane.</summary>
    public readonly TLane Vector()
    {
        TLane total = op.Start<TLane>();
        bool any = false;
        for (int level = 0; count >> level != 0; level++)
        {
            if ((count >> level & 1) == 0) continue;
            total = any ? op.Combine(waiting[level], total) : waiting[level];
            any = true;
        }

        return total;
    }
}
