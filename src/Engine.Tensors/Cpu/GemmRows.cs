using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Engine.Tensors;

/// <summary>
/// Products with few rows, such as the decoding of one token, and tiny ones: straight from the operands, b once from memory.
/// Such a product uses every element of b a few times only, so packing b first would be most of the work.
/// </summary>
/// <remarks>The order of a sum depends neither on the number of rows nor on how b is stored.</remarks>
static unsafe class GemmRows<TLane, T, TActivation>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    where TActivation : struct, IUnary
{
    // Columns that are summed at a time, for up to so many rows at once; the sums stay in L1. A task's share, too, so that
    // nothing depends on the threads.
    const int Chunk = 512, RowsAtOnce = 8;

    // Elements of b that all rows go through before the next ones: half of a 256 KB L2.
    const int Block = 32 * 1024;

    // Each row's sums, and room for one vector beyond.
    const int SumsStride = Chunk + 16;

    const long WorthSharing = 128 * 1024;

    /// <summary>Whether this way is the faster one.</summary>
    public static bool Suits(in GemmProblem<T> problem)
    {
        if (problem.M == 1 || problem.N == 1) return true;
        if (problem.M <= 16 && problem.Work <= 4096) return true;
        bool vectors = problem.BColumn == 1 || (problem.BRow == 1 && problem.AColumn == 1);
        int most = problem.BColumn == 1 ? RowsAtOnce : 2 * RowsAtOnce;
        return vectors && problem.M <= ((long)problem.K * problem.N < 8 * Block ? 3 : most);
    }

    /// <summary>Computes the product.</summary>
    /// <param name="problem">What to multiply; no extent is 0.</param>
    /// <param name="activation">Applied to a b + bias.</param>
    /// <param name="shared">Whether other threads may help.</param>
    public static void Run(in GemmProblem<T> problem, TActivation activation, bool shared)
    {
        // One column is one row of the transposed product; its bias is a single number either way.
        GemmProblem<T> p = problem.N == 1 && problem.M > 1 ? problem.Transposed() : problem;
        bool oneBias = problem.N == 1;
        int length = p.BRow == 1 && p.BColumn != 1 ? Math.Clamp(Block / p.K / 4 * 4, 4, Chunk) : Chunk;
        int chunks = (p.N + length - 1) / length;
        if (!shared || chunks == 1 || p.Work < WorthSharing)
        {
            for (int chunk = 0; chunk < chunks; chunk++) RunChunk(p, activation, oneBias, chunk * length, Math.Min(length, p.N - chunk * length));
        }
        else
        {
            Share(p, activation, oneBias, chunks, length);
        }
    }

    // A method of its own, since the closure is made where its variables begin.
    static void Share(GemmProblem<T> p, TActivation activation, bool oneBias, int chunks, int length) =>
        ThreadTeam.For(chunks, chunk => RunChunk(p, activation, oneBias, chunk * length, Math.Min(length, p.N - chunk * length)));

    [SkipLocalsInit]
    static void RunChunk(in GemmProblem<T> p, TActivation activation, bool oneBias, int column, int count)
    {
        T* sums = stackalloc T[Math.Min(p.M, RowsAtOnce) * SumsStride];
        for (int first = 0; first < p.M; first += RowsAtOnce)
        {
            int rows = Math.Min(RowsAtOnce, p.M - first);
            Multiply(p, first, rows, column, count, sums);
            for (int i = 0; i < rows; i++)
            {
                T* row = sums + i * SumsStride;
                if (p.Bias != null)
                    for (int j = 0; j < count; j++) row[j] += p.Bias[oneBias ? 0 : column + j];
                Finish(p, activation, first + i, column, count, row);
            }
        }
    }

    static void Multiply(in GemmProblem<T> p, int first, int rows, int column, int count, T* sums)
    {
        nint offset = column * p.BColumn;
        switch (p.BType)
        {
            case DType.BFloat16: Multiply(p, (BrainWeight<T>*)p.B + offset, first, rows, count, sums); break;
            case DType.Float16: Multiply(p, (HalfWeight<T>*)p.B + offset, first, rows, count, sums); break;
            default: Multiply(p, (PlainWeight<T>*)p.B + offset, first, rows, count, sums); break;
        }
    }

    static void Multiply<TWeight>(in GemmProblem<T> p, TWeight* b, int first, int rows, int count, T* sums)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        T* a = p.A + first * p.ARow;
        if (p.BColumn == 1)
        {
            for (int i = 0; i < rows; i++) new Span<T>(sums + i * SumsStride, count).Clear();
            int depth = Block / Chunk;
            for (int k = 0; k < p.K; k += depth, a += depth * p.AColumn, b += depth * p.BRow)
                for (int i = 0; i < rows; i += 2)
                    AddRows(Math.Min(depth, p.K - k), a + i * p.ARow, p.AColumn, p.ARow, two: i + 1 < rows, b, p.BRow, count, sums + i * SumsStride);
        }
        else if (p.BRow == 1 && p.AColumn == 1)
        {
            for (int i = 0; i < rows; i += 3)
            {
                if (i + 1 == rows) Dots(p.K, a + i * p.ARow, b, p.BColumn, count, sums + i * SumsStride);
                else DotsOfThree(p.K, a + i * p.ARow, p.ARow, Math.Min(3, rows - i), b, p.BColumn, count, sums + i * SumsStride);
            }
        }
        else
        {
            for (int i = 0; i < rows; i++) Any(p.K, a + i * p.ARow, p.AColumn, b, p.BRow, p.BColumn, count, sums + i * SumsStride);
        }
    }

    static void Finish(in GemmProblem<T> p, TActivation activation, int row, int column, int count, T* sums)
    {
        if (p.Linear != null)
        {
            T* linear = p.Linear + row * p.LinearRow + column * p.LinearColumn;
            for (int j = 0; j < count; j++) linear[j * p.LinearColumn] = sums[j];
        }

        if (typeof(TActivation) != typeof(Identity))
        {
            new Span<T>(sums + count, TLane.Count).Clear();
            for (int j = 0; j < count; j += TLane.Count) TLane.Store(activation.Apply(TLane.Load(sums + j)), sums + j);
        }

        T* y = p.Y + row * p.YRow + column * p.YColumn;
        if (p.Accumulate)
            for (int j = 0; j < count; j++) y[j * p.YColumn] += sums[j];
        else if (p.YColumn == 1) new Span<T>(sums, count).CopyTo(new Span<T>(y, count));
        else
            for (int j = 0; j < count; j++) y[j * p.YColumn] = sums[j];
    }

    // sums += a b where the columns of b are neighbours, for one row of a or two: four rows of b at a time are scaled and
    // added to the sums.
    static void AddRows<TWeight>(int depth, T* a, nint aStep, nint aRow, bool two, TWeight* b, nint bStep, int count, T* sums)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        int k = 0;
        for (; k + 4 <= depth; k += 4, a += 4 * aStep, b += 4 * bStep)
        {
            if (two) AddFourToTwo(a, aStep, aRow, b, bStep, count, sums);
            else AddFour(a, aStep, b, bStep, count, sums);
        }

        for (; k < depth; k++, a += aStep, b += bStep)
        {
            AddOne(*a, b, count, sums);
            if (two) AddOne(a[aRow], b, count, sums + SumsStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddFour<TWeight>(T* a, nint aStep, TWeight* b, nint bStep, int count, T* sums)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        T a0 = a[0], a1 = a[aStep], a2 = a[2 * aStep], a3 = a[3 * aStep];
        TWeight* b1 = b + bStep, b2 = b1 + bStep, b3 = b2 + bStep;
        TLane x0 = TLane.Broadcast(a0), x1 = TLane.Broadcast(a1), x2 = TLane.Broadcast(a2), x3 = TLane.Broadcast(a3);
        int j = 0;
        for (; j + TLane.Count <= count; j += TLane.Count)
        {
            TLane sum = TLane.MulAdd(x0, TWeight.Load<TLane>(b + j), TLane.Load(sums + j));
            sum = TLane.MulAdd(x1, TWeight.Load<TLane>(b1 + j), sum);
            sum = TLane.MulAdd(x2, TWeight.Load<TLane>(b2 + j), sum);
            TLane.Store(TLane.MulAdd(x3, TWeight.Load<TLane>(b3 + j), sum), sums + j);
        }

        for (; j < count; j++)
        {
            T sum = T.MultiplyAddEstimate(a0, TWeight.Widen(b[j]), sums[j]);
            sum = T.MultiplyAddEstimate(a1, TWeight.Widen(b1[j]), sum);
            sum = T.MultiplyAddEstimate(a2, TWeight.Widen(b2[j]), sum);
            sums[j] = T.MultiplyAddEstimate(a3, TWeight.Widen(b3[j]), sum);
        }
    }

    // The same for two rows of a, which share what is loaded of b.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddFourToTwo<TWeight>(T* a, nint aStep, nint aRow, TWeight* b, nint bStep, int count, T* sums)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        T* other = a + aRow, otherSums = sums + SumsStride;
        TWeight* b1 = b + bStep, b2 = b1 + bStep, b3 = b2 + bStep;
        TLane x0 = TLane.Broadcast(a[0]), x1 = TLane.Broadcast(a[aStep]), x2 = TLane.Broadcast(a[2 * aStep]), x3 = TLane.Broadcast(a[3 * aStep]);
        TLane z0 = TLane.Broadcast(other[0]), z1 = TLane.Broadcast(other[aStep]), z2 = TLane.Broadcast(other[2 * aStep]), z3 = TLane.Broadcast(other[3 * aStep]);
        int j = 0;
        for (; j + TLane.Count <= count; j += TLane.Count)
        {
            TLane weight = TWeight.Load<TLane>(b + j);
            TLane sum = TLane.MulAdd(x0, weight, TLane.Load(sums + j)), otherSum = TLane.MulAdd(z0, weight, TLane.Load(otherSums + j));
            weight = TWeight.Load<TLane>(b1 + j);
            sum = TLane.MulAdd(x1, weight, sum);
            otherSum = TLane.MulAdd(z1, weight, otherSum);
            weight = TWeight.Load<TLane>(b2 + j);
            sum = TLane.MulAdd(x2, weight, sum);
            otherSum = TLane.MulAdd(z2, weight, otherSum);
            weight = TWeight.Load<TLane>(b3 + j);
            TLane.Store(TLane.MulAdd(x3, weight, sum), sums + j);
            TLane.Store(TLane.MulAdd(z3, weight, otherSum), otherSums + j);
        }

        if (j == count) return;
        AddFour(a, aStep, b + j, bStep, count - j, sums + j);
        AddFour(other, aStep, b + j, bStep, count - j, otherSums + j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddOne<TWeight>(T a, TWeight* b, int count, T* sums) where TWeight : unmanaged, IWeight<TWeight, T>
    {
        TLane x = TLane.Broadcast(a);
        int j = 0;
        for (; j + TLane.Count <= count; j += TLane.Count) TLane.Store(TLane.MulAdd(x, TWeight.Load<TLane>(b + j), TLane.Load(sums + j)), sums + j);
        for (; j < count; j++) sums[j] = T.MultiplyAddEstimate(a, TWeight.Widen(b[j]), sums[j]);
    }

    // sums = a b where the rows of b are neighbours, as in weights [out, in]: four dot products at a time, two vectors each.
    // Columns that the last four lack repeat the last one; there is room for their sums.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Dots<TWeight>(int depth, T* a, TWeight* b, nint bColumn, int count, T* sums)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        int width = TLane.Count;
        for (int j = 0; j < count; j += 4, b += 4 * bColumn)
        {
            int last = count - 1 - j;
            TWeight* b1 = b + Math.Min(1, last) * bColumn, b2 = b + Math.Min(2, last) * bColumn, b3 = b + Math.Min(3, last) * bColumn;
            TLane s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
            int k = 0;
            for (; k + 2 * width <= depth; k += 2 * width)
            {
                TLane x = TLane.Load(a + k), z = TLane.Load(a + k + width);
                s0 = TLane.MulAdd(x, TWeight.Load<TLane>(b + k), s0);
                s1 = TLane.MulAdd(x, TWeight.Load<TLane>(b1 + k), s1);
                s2 = TLane.MulAdd(x, TWeight.Load<TLane>(b2 + k), s2);
                s3 = TLane.MulAdd(x, TWeight.Load<TLane>(b3 + k), s3);
                t0 = TLane.MulAdd(z, TWeight.Load<TLane>(b + k + width), t0);
                t1 = TLane.MulAdd(z, TWeight.Load<TLane>(b1 + k + width), t1);
                t2 = TLane.MulAdd(z, TWeight.Load<TLane>(b2 + k + width), t2);
                t3 = TLane.MulAdd(z, TWeight.Load<TLane>(b3 + k + width), t3);
            }

            T r0 = TLane.Sum(s0 + t0), r1 = TLane.Sum(s1 + t1), r2 = TLane.Sum(s2 + t2), r3 = TLane.Sum(s3 + t3);
            for (; k < depth; k++)
            {
                r0 = T.MultiplyAddEstimate(a[k], TWeight.Widen(b[k]), r0);
                r1 = T.MultiplyAddEstimate(a[k], TWeight.Widen(b1[k]), r1);
                r2 = T.MultiplyAddEstimate(a[k], TWeight.Widen(b2[k]), r2);
                r3 = T.MultiplyAddEstimate(a[k], TWeight.Widen(b3[k]), r3);
            }

            (sums[j], sums[j + 1], sums[j + 2], sums[j + 3]) = (r0, r1, r2, r3);
        }
    }

    // The same sums for three rows of a (or two: the third repeats the second) and two columns of b at a time: what is loaded
    // of b serves three. Two streams are too few to keep the memory busy, so the next two columns are called for meanwhile.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void DotsOfThree<TWeight>(int depth, T* a, nint aRow, int rows, TWeight* b, nint bColumn, int count, T* sums)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        int width = TLane.Count;
        T* a1 = a + aRow, a2 = a + (rows - 1) * aRow, sums1 = sums + SumsStride, sums2 = sums + (rows - 1) * SumsStride;
        for (int j = 0; j < count; j += 2, b += 2 * bColumn)
        {
            TWeight* b1 = j + 1 < count ? b + bColumn : b, next = b + 2 * bColumn, next1 = next + bColumn;
            TLane s0 = default, s1 = default, s2 = default, u0 = default, u1 = default, u2 = default;
            TLane t0 = default, t1 = default, t2 = default, v0 = default, v1 = default, v2 = default;
            int k = 0;
            for (; k + 2 * width <= depth; k += 2 * width)
            {
                Expect(next + k);
                Expect(next1 + k);
                TLane left = TWeight.Load<TLane>(b + k), right = TWeight.Load<TLane>(b1 + k);
                TLane x = TLane.Load(a + k);
                s0 = TLane.MulAdd(x, left, s0);
                u0 = TLane.MulAdd(x, right, u0);
                x = TLane.Load(a1 + k);
                s1 = TLane.MulAdd(x, left, s1);
                u1 = TLane.MulAdd(x, right, u1);
                x = TLane.Load(a2 + k);
                s2 = TLane.MulAdd(x, left, s2);
                u2 = TLane.MulAdd(x, right, u2);
                left = TWeight.Load<TLane>(b + k + width);
                right = TWeight.Load<TLane>(b1 + k + width);
                x = TLane.Load(a + k + width);
                t0 = TLane.MulAdd(x, left, t0);
                v0 = TLane.MulAdd(x, right, v0);
                x = TLane.Load(a1 + k + width);
                t1 = TLane.MulAdd(x, left, t1);
                v1 = TLane.MulAdd(x, right, v1);
                x = TLane.Load(a2 + k + width);
                t2 = TLane.MulAdd(x, left, t2);
                v2 = TLane.MulAdd(x, right, v2);
            }

            T r0 = TLane.Sum(s0 + t0), r1 = TLane.Sum(s1 + t1), r2 = TLane.Sum(s2 + t2);
            T q0 = TLane.Sum(u0 + v0), q1 = TLane.Sum(u1 + v1), q2 = TLane.Sum(u2 + v2);
            for (; k < depth; k++)
            {
                T left = TWeight.Widen(b[k]), right = TWeight.Widen(b1[k]);
                (r0, q0) = (T.MultiplyAddEstimate(a[k], left, r0), T.MultiplyAddEstimate(a[k], right, q0));
                (r1, q1) = (T.MultiplyAddEstimate(a1[k], left, r1), T.MultiplyAddEstimate(a1[k], right, q1));
                (r2, q2) = (T.MultiplyAddEstimate(a2[k], left, r2), T.MultiplyAddEstimate(a2[k], right, q2));
            }

            (sums[j], sums[j + 1]) = (r0, q0);
            (sums1[j], sums1[j + 1]) = (r1, q1);
            (sums2[j], sums2[j + 1]) = (r2, q2);
        }
    }

    // Fetches into L2. An address beyond the matrix does no harm: nothing is read.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Expect(void* address)
    {
        if (Sse.IsSupported) Sse.Prefetch1(address);
    }

    static void Any<TWeight>(int depth, T* a, nint aStep, TWeight* b, nint bRow, nint bColumn, int count, T* sums)
        where TWeight : unmanaged, IWeight<TWeight, T>
    {
        for (int j = 0; j < count; j++, b += bColumn)
        {
            T sum = T.Zero;
            T* x = a;
            TWeight* z = b;
            for (int k = 0; k < depth; k++, x += aStep, z += bRow) sum = T.MultiplyAddEstimate(*x, TWeight.Widen(*z), sum);
            sums[j] = sum;
        }
    }
}
