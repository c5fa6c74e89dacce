namespace Engine.Tensors;

/// <summary>
/// A common order of traversal for tensors of equal shape. The axes are sorted so that the first operand's strides fall,
/// axes of extent 1 disappear and neighbours merge where all operands allow: a kernel then sees as few and as long axes
/// as possible. A place is a number 0 .. Count - 1 in that order.
/// </summary>
sealed unsafe class StridedWalk
{
    readonly int[] extents;
    readonly long[][] strides;

    StridedWalk(int[] extents, long[][] strides, long count)
    {
        (this.extents, this.strides, Count) = (extents, strides, count);
        Rank = extents.Length;
        Inner = Rank == 0 ? 1 : extents[^1];
    }

    /// <summary>Places in all.</summary>
    public long Count { get; }

    /// <summary>Axes left after merging.</summary>
    public int Rank { get; }

    /// <summary>The extent of the innermost axis; 1 where there is none.</summary>
    public int Inner { get; }

    /// <summary>A walk over operands of one shape; the first one decides the order.</summary>
    public static StridedWalk Over(params ReadOnlySpan<Tensor> operands)
    {
        Tensor first = operands[0];
        List<int> order = [];
        for (int axis = 0; axis < first.Rank; axis++)
            if (first.Shape[axis] > 1) order.Add(axis);
        SortByStride(order, operands);

        List<int> extents = [];
        List<long>[] merged = new List<long>[operands.Length];
        for (int i = 0; i < operands.Length; i++) merged[i] = [];
        foreach (int axis in order)
        {
            int extent = first.Shape[axis];
            if (extents.Count > 0 && Merges(merged, operands, axis, extent, extents[^1]))
            {
                extents[^1] *= extent;
                for (int i = 0; i < operands.Length; i++) merged[i][^1] = operands[i].Strides[axis];
            }
            else
            {
                extents.Add(extent);
                for (int i = 0; i < operands.Length; i++) merged[i].Add(operands[i].Strides[axis]);
            }
        }

        return new([.. extents], Array.ConvertAll(merged, list => list.ToArray()), first.ElementCount);
    }

    // Insertion sort: stable, and ranks are small.
    static void SortByStride(List<int> order, ReadOnlySpan<Tensor> operands)
    {
        for (int i = 1; i < order.Count; i++)
        {
            int axis = order[i], place = i;
            while (place > 0 && Outward(operands, axis, order[place - 1]))
            {
                order[place] = order[place - 1];
                place--;
            }

            order[place] = axis;
        }
    }

    // True where the first operand that tells the axes apart has the larger stride on a.
    static bool Outward(ReadOnlySpan<Tensor> operands, int a, int b)
    {
        foreach (Tensor operand in operands)
        {
            int left = Math.Abs(operand.Strides[a]), right = Math.Abs(operand.Strides[b]);
            if (left != right) return left > right;
        }

        return false;
    }

    static bool Merges(List<long>[] merged, ReadOnlySpan<Tensor> operands, int axis, int extent, int outer)
    {
        if ((long)extent * outer > int.MaxValue) return false;
        for (int i = 0; i < operands.Length; i++)
            if (merged[i][^1] != (long)operands[i].Strides[axis] * extent) return false;
        return true;
    }

    /// <summary>The extent of an axis, 0 outermost.</summary>
    public int Extent(int axis) => extents[axis];

    /// <summary>An operand's stride along an axis.</summary>
    public long Stride(int operand, int axis) => strides[operand][axis];

    /// <summary>An operand's stride along the innermost axis; 1 where there is none.</summary>
    public long InnerStride(int operand) => Rank == 0 ? 1 : strides[operand][^1];

    /// <summary>True where the operand's elements lie one after another in the walk's order.</summary>
    public bool IsDense(int operand) => Rank == 0 || (Rank == 1 && strides[operand][0] == 1);

    /// <summary>The axis along which the second operand is dense where the first is dense along another, the innermost; -1 if there is none worth tiles.</summary>
    public int TurnedAxis()
    {
        if (Rank < 2 || InnerStride(0) != 1 || InnerStride(1) is 0 or 1 || Inner < 4) return -1;
        for (int axis = 0; axis < Rank - 1; axis++)
            if (strides[1][axis] == 1 && extents[axis] >= 4) return axis;
        return -1;
    }

    /// <summary>How far an operand's element at a place lies from its first one.</summary>
    public long Offset(int operand, long place)
    {
        long offset = 0;
        long[] steps = strides[operand];
        for (int axis = Rank - 1; axis > 0; axis--)
        {
            (place, long coordinate) = Math.DivRem(place, extents[axis]);
            offset += coordinate * steps[axis];
        }

        return Rank == 0 ? 0 : offset + place * steps[0];
    }

    /// <summary>
    /// Where <paramref name="count"/> elements from a place on can be read one after another: in place where they lie so,
    /// else in the buffer, after a copy.
    /// </summary>
    public T* Stage<T>(int operand, T* origin, long place, int count, T* buffer) where T : unmanaged
    {
        if (IsDense(operand)) return origin + place;
        int done = 0;
        while (done < count)
        {
            int length = (int)Math.Min(Inner - place % Inner, count - done);
            T* source = origin + Offset(operand, place);
            long stride = InnerStride(operand);
            if (length == count && stride == 1) return source;
            Gather(source, stride, buffer + done, length);
            done += length;
            place += length;
        }

        return buffer;
    }

    /// <summary>Where results for a stretch may be written so that <see cref="Unstage"/> brings them to their places.</summary>
    public T* Target<T>(int operand, T* origin, long place, int count, T* buffer) where T : unmanaged
    {
        if (IsDense(operand)) return origin + place;
        return InnerStride(operand) == 1 && place % Inner + count <= Inner ? origin + Offset(operand, place) : buffer;
    }

    /// <summary>Brings results that were written to the buffer to their places; nothing where they lie there already.</summary>
    public void Unstage<T>(int operand, T* origin, long place, int count, T* written, T* buffer) where T : unmanaged
    {
        if (written != buffer) return;
        int done = 0;
        while (done < count)
        {
            int length = (int)Math.Min(Inner - place % Inner, count - done);
            T* target = origin + Offset(operand, place);
            long stride = InnerStride(operand);
            for (int i = 0; i < length; i++) target[i * stride] = buffer[done + i];
            done += length;
            place += length;
        }
    }

    static void Gather<T>(T* source, long stride, T* target, int length) where T : unmanaged
    {
        if (stride == 1) new ReadOnlySpan<T>(source, length).CopyTo(new Span<T>(target, length));
        else if (stride == 0) new Span<T>(target, length).Fill(*source);
        else for (int i = 0; i < length; i++) target[i] = source[i * stride];
    }

    /// <summary>
    /// Runs a body over stretches of places, a few of them at a time on each thread: (first place, count), where count is
    /// at most <paramref name="block"/> and long rows are not crossed.
    /// </summary>
    public void ForBlocks(int block, int grain, Action<long, int> body)
    {
        int pieces = checked((int)((Count + grain - 1) / grain));
        if (pieces == 1) Blocks(0, Count, block, body);
        else ThreadTeam.For(pieces, piece => Blocks((long)piece * grain, Math.Min(Count, (piece + 1L) * grain), block, body));
    }

    // Rows shorter than this are gathered across their ends: a vector loop needs some length to be worth its start.
    const int ShortRow = 64;

    void Blocks(long place, long end, int block, Action<long, int> body)
    {
        bool withinRows = Rank > 1 && Inner >= ShortRow;
        while (place < end)
        {
            long count = Math.Min(end - place, block);
            if (withinRows) count = Math.Min(count, Inner - place % Inner);
            body(place, (int)count);
            place += count;
        }
    }
}
