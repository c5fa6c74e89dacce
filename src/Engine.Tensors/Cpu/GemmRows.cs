using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// Products with few rows, such as the decoding of one token, and tiny ones: row by row straight from the operands. Such a
/// product uses every element of b a few times only, so packing b first would be most of the work.
/// </summary>
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
        return vectors && problem.M <= ((long)problem.K * problem.N < 8 * Block ? 3 : RowsAtOnce);
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
        T* a = p.A + first * p.ARow, b = p.B + column * p.BColumn;
        if (p.BColumn == 1)
        {
            for (int i = 0; i < rows; i++) new Span<T>(sums + i * SumsStride, count).Clear();
            int depth = Block / Chunk;
            for (int k = 0; k < p.K; k += depth, a += depth * p.AColumn, b += depth * p.BRow)
                for (int i = 0; i < rows; i++)
                    AddRows(Math.Min(depth, p.K - k), a + i * p.ARow, p.AColumn, b, p.BRow, count, sums + i * SumsStride);
        }
        else if (p.BRow == 1 && p.AColumn == 1)
        {
            for (int i = 0; i < rows; i++) Dots(p.K, a + i * p.ARow, b, p.BColumn, count, sums + i * SumsStride);
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

    // sums += a b where the columns of b are neighbours: four rows of b at a time are scaled and added to the sums.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddRows(int depth, T* a, nint aStep, T* b, nint bStep, int count, T* sums)
    {
        int k = 0;
        for (; k + 4 <= depth; k += 4, a += 4 * aStep, b += 4 * bStep)
        {
            T a0 = a[0], a1 = a[aStep], a2 = a[2 * aStep], a3 = a[3 * aStep];
            T* b1 = b + bStep, b2 = b1 + bStep, b3 = b2 + bStep;
            TLane x0 = TLane.Broadcast(a0), x1 = TLane.Broadcast(a1), x2 = TLane.Broadcast(a2), x3 = TLane.Broadcast(a3);
            int j = 0;
            for (; j + TLane.Count <= count; j += TLane.Count)
            {
                TLane sum = TLane.MulAdd(x0, TLane.Load(b + j), TLane.Load(sums + j));
                sum = TLane.MulAdd(x1, TLane.Load(b1 + j), sum);
                sum = TLane.MulAdd(x2, TLane.Load(b2 + j), sum);
                TLane.Store(TLane.MulAdd(x3, TLane.Load(b3 + j), sum), sums + j);
            }

            for (; j < count; j++)
            {
                T sum = T.MultiplyAddEstimate(a0, b[j], sums[j]);
                sum = T.MultiplyAddEstimate(a1, b1[j], sum);
                sum = T.MultiplyAddEstimate(a2, b2[j], sum);
                sums[j] = T.MultiplyAddEstimate(a3, b3[j], sum);
            }
        }

        for (; k < depth; k++, a += aStep, b += bStep)
        {
            TLane x = TLane.Broadcast(*a);
            int j = 0;
            for (; j + TLane.Count <= count; j += TLane.Count) TLane.Store(TLane.MulAdd(x, TLane.Load(b + j), TLane.Load(sums + j)), sums + j);
            for (; j < count; j++) sums[j] = T.MultiplyAddEstimate(*a, b[j], sums[j]);
        }
    }

    // sums = a b where the rows of b are neighbours, as in weights [out, in]: four dot products at a time, two vectors each.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Dots(int depth, T* a, T* b, nint bColumn, int count, T* sums)
    {
        int width = TLane.Count, j = 0;
        for (; j + 4 <= count; j += 4, b += 4 * bColumn)
        {
            T* b1 = b + bColumn, b2 = b1 + bColumn, b3 = b2 + bColumn;
            TLane s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
            int k = 0;
            for (; k + 2 * width <= depth; k += 2 * width)
            {
                TLane x = TLane.Load(a + k), z = TLane.Load(a + k + width);
                s0 = TLane.MulAdd(x, TLane.Load(b + k), s0);
                s1 = TLane.MulAdd(x, TLane.Load(b1 + k), s1);
                s2 = TLane.MulAdd(x, TLane.Load(b2 + k), s2);
                s3 = TLane.MulAdd(x, TLane.Load(b3 + k), s3);
                t0 = TLane.MulAdd(z, TLane.Load(b + k + width), t0);
                t1 = TLane.MulAdd(z, TLane.Load(b1 + k + width), t1);
                t2 = TLane.MulAdd(z, TLane.Load(b2 + k + width), t2);
                t3 = TLane.MulAdd(z, TLane.Load(b3 + k + width), t3);
            }

            T r0 = TLane.Sum(s0 + t0), r1 = TLane.Sum(s1 + t1), r2 = TLane.Sum(s2 + t2), r3 = TLane.Sum(s3 + t3);
            for (; k < depth; k++)
            {
                r0 = T.MultiplyAddEstimate(a[k], b[k], r0);
                r1 = T.MultiplyAddEstimate(a[k], b1[k], r1);
                r2 = T.MultiplyAddEstimate(a[k], b2[k], r2);
                r3 = T.MultiplyAddEstimate(a[k], b3[k], r3);
            }

            (sums[j], sums[j + 1], sums[j + 2], sums[j + 3]) = (r0, r1, r2, r3);
        }

        for (; j < count; j++, b += bColumn)
        {
            TLane s = default;
            int k = 0;
            for (; k + width <= depth; k += width) s = TLane.MulAdd(TLane.Load(a + k), TLane.Load(b + k), s);
            T sum = TLane.Sum(s);
            for (; k < depth; k++) sum = T.MultiplyAddEstimate(a[k], b[k], sum);
            sums[j] = sum;
        }
    }

    static void Any(int depth, T* a, nint aStep, T* b, nint bRow, nint bColumn, int count, T* sums)
    {
        for (int j = 0; j < count; j++, b += bColumn)
        {
            T sum = T.Zero;
            T* x = a, z = b;
            for (int k = 0; k < depth; k++, x += aStep, z += bRow) sum = T.MultiplyAddEstimate(*x, *z, sum);
            sums[j] = sum;
        }
    }
}
