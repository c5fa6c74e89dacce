using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// The inner loops of attention's products. They differ from <see cref="GemmMicroKernel{TLane, T}"/> in that a is read in place
/// (queries along their rows, probabilities along rows or columns) and in that the walk over the register tiles is inside:
/// with sums of 50 to 200 steps a call for each tile would cost a tenth.
/// </summary>
/// <remarks>
/// The accumulators are named locals, since the JIT keeps neither arrays nor large structs in registers. A step of six rows
/// is 12 multiply-adds in 6 cycles; with address arithmetic it would be 35 instructions, as many as the decoder delivers in
/// that time. Hence constant strides wherever there are any, and two steps a turn.
/// </remarks>
static unsafe class AttentionMicroKernel<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    /// <summary>c = a b for one panel of b and rows rounded up to whole register tiles.</summary>
    /// <param name="rows">Rows of a and c.</param>
    /// <param name="depth">Steps of the sum.</param>
    /// <param name="a">The first row of a; steps are neighbours.</param>
    /// <param name="aRow">Elements from one row of a to the next.</param>
    /// <param name="b">The packed panel: a step's columns are neighbours, and the next step's follow.</param>
    /// <param name="c">The first of the panel's columns.</param>
    /// <param name="cRow">Elements from one row of c to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(int rows, int depth, T* a, nint aRow, T* b, T* c, nint cRow)
    {
        for (; rows > 0; rows -= GemmTile<TLane, T>.Rows)
        {
            TLane c0 = default, d0 = default, c1 = default, d1 = default, c2 = default, d2 = default;
            TLane c3 = default, d3 = default, c4 = default, d4 = default, c5 = default, d5 = default;
            TLane c6 = default, d6 = default, c7 = default, d7 = default, c8 = default, d8 = default;
            TLane c9 = default, d9 = default, c10 = default, d10 = default, c11 = default, d11 = default;
            TLane left, right, x;

            // Three rows a pointer: x86 addresses reach a, a + aRow and a + 2 aRow from one.
            T* a0 = a, a3 = a0 + 3 * aRow, a6 = a3 + 3 * aRow, a9 = a6 + 3 * aRow, panel = b;
            int step = 0;
            for (; step + 2 <= depth; step += 2)
            {
                left = TLane.Load(panel);
                right = TLane.Load(panel + TLane.Count);
                x = TLane.Broadcast(a0[0]);
                c0 = TLane.MulAdd(x, left, c0);
                d0 = TLane.MulAdd(x, right, d0);
                x = TLane.Broadcast(a0[aRow]);
                c1 = TLane.MulAdd(x, left, c1);
                d1 = TLane.MulAdd(x, right, d1);
                x = TLane.Broadcast(a0[2 * aRow]);
                c2 = TLane.MulAdd(x, left, c2);
                d2 = TLane.MulAdd(x, right, d2);
                x = TLane.Broadcast(a3[0]);
                c3 = TLane.MulAdd(x, left, c3);
                d3 = TLane.MulAdd(x, right, d3);
                x = TLane.Broadcast(a3[aRow]);
                c4 = TLane.MulAdd(x, left, c4);
                d4 = TLane.MulAdd(x, right, d4);
                x = TLane.Broadcast(a3[2 * aRow]);
                c5 = TLane.MulAdd(x, left, c5);
                d5 = TLane.MulAdd(x, right, d5);
                if (GemmTile<TLane, T>.Rows == 12)
                {
                    x = TLane.Broadcast(a6[0]);
                    c6 = TLane.MulAdd(x, left, c6);
                    d6 = TLane.MulAdd(x, right, d6);
                    x = TLane.Broadcast(a6[aRow]);
                    c7 = TLane.MulAdd(x, left, c7);
                    d7 = TLane.MulAdd(x, right, d7);
                    x = TLane.Broadcast(a6[2 * aRow]);
                    c8 = TLane.MulAdd(x, left, c8);
                    d8 = TLane.MulAdd(x, right, d8);
                    x = TLane.Broadcast(a9[0]);
                    c9 = TLane.MulAdd(x, left, c9);
                    d9 = TLane.MulAdd(x, right, d9);
                    x = TLane.Broadcast(a9[aRow]);
                    c10 = TLane.MulAdd(x, left, c10);
                    d10 = TLane.MulAdd(x, right, d10);
                    x = TLane.Broadcast(a9[2 * aRow]);
                    c11 = TLane.MulAdd(x, left, c11);
                    d11 = TLane.MulAdd(x, right, d11);
                }

                left = TLane.Load(panel + 2 * TLane.Count);
                right = TLane.Load(panel + 3 * TLane.Count);
                x = TLane.Broadcast(a0[1]);
                c0 = TLane.MulAdd(x, left, c0);
                d0 = TLane.MulAdd(x, right, d0);
                x = TLane.Broadcast(a0[aRow + 1]);
                c1 = TLane.MulAdd(x, left, c1);
                d1 = TLane.MulAdd(x, right, d1);
                x = TLane.Broadcast(a0[2 * aRow + 1]);
                c2 = TLane.MulAdd(x, left, c2);
                d2 = TLane.MulAdd(x, right, d2);
                x = TLane.Broadcast(a3[1]);
                c3 = TLane.MulAdd(x, left, c3);
                d3 = TLane.MulAdd(x, right, d3);
                x = TLane.Broadcast(a3[aRow + 1]);
                c4 = TLane.MulAdd(x, left, c4);
                d4 = TLane.MulAdd(x, right, d4);
                x = TLane.Broadcast(a3[2 * aRow + 1]);
                c5 = TLane.MulAdd(x, left, c5);
                d5 = TLane.MulAdd(x, right, d5);
                if (GemmTile<TLane, T>.Rows == 12)
                {
                    x = TLane.Broadcast(a6[1]);
                    c6 = TLane.MulAdd(x, left, c6);
                    d6 = TLane.MulAdd(x, right, d6);
                    x = TLane.Broadcast(a6[aRow + 1]);
                    c7 = TLane.MulAdd(x, left, c7);
                    d7 = TLane.MulAdd(x, right, d7);
                    x = TLane.Broadcast(a6[2 * aRow + 1]);
                    c8 = TLane.MulAdd(x, left, c8);
                    d8 = TLane.MulAdd(x, right, d8);
                    x = TLane.Broadcast(a9[1]);
                    c9 = TLane.MulAdd(x, left, c9);
                    d9 = TLane.MulAdd(x, right, d9);
                    x = TLane.Broadcast(a9[aRow + 1]);
                    c10 = TLane.MulAdd(x, left, c10);
                    d10 = TLane.MulAdd(x, right, d10);
                    x = TLane.Broadcast(a9[2 * aRow + 1]);
                    c11 = TLane.MulAdd(x, left, c11);
                    d11 = TLane.MulAdd(x, right, d11);
                }

                a0 += 2;
                a3 += 2;
                a6 += 2;
                a9 += 2;
                panel += 4 * TLane.Count;
            }

            if (step < depth)
            {
                left = TLane.Load(panel);
                right = TLane.Load(panel + TLane.Count);
                x = TLane.Broadcast(a0[0]);
                c0 = TLane.MulAdd(x, left, c0);
                d0 = TLane.MulAdd(x, right, d0);
                x = TLane.Broadcast(a0[aRow]);
                c1 = TLane.MulAdd(x, left, c1);
                d1 = TLane.MulAdd(x, right, d1);
                x = TLane.Broadcast(a0[2 * aRow]);
                c2 = TLane.MulAdd(x, left, c2);
                d2 = TLane.MulAdd(x, right, d2);
                x = TLane.Broadcast(a3[0]);
                c3 = TLane.MulAdd(x, left, c3);
                d3 = TLane.MulAdd(x, right, d3);
                x = TLane.Broadcast(a3[aRow]);
                c4 = TLane.MulAdd(x, left, c4);
                d4 = TLane.MulAdd(x, right, d4);
                x = TLane.Broadcast(a3[2 * aRow]);
                c5 = TLane.MulAdd(x, left, c5);
                d5 = TLane.MulAdd(x, right, d5);
                if (GemmTile<TLane, T>.Rows == 12)
                {
                    x = TLane.Broadcast(a6[0]);
                    c6 = TLane.MulAdd(x, left, c6);
                    d6 = TLane.MulAdd(x, right, d6);
                    x = TLane.Broadcast(a6[aRow]);
                    c7 = TLane.MulAdd(x, left, c7);
                    d7 = TLane.MulAdd(x, right, d7);
                    x = TLane.Broadcast(a6[2 * aRow]);
                    c8 = TLane.MulAdd(x, left, c8);
                    d8 = TLane.MulAdd(x, right, d8);
                    x = TLane.Broadcast(a9[0]);
                    c9 = TLane.MulAdd(x, left, c9);
                    d9 = TLane.MulAdd(x, right, d9);
                    x = TLane.Broadcast(a9[aRow]);
                    c10 = TLane.MulAdd(x, left, c10);
                    d10 = TLane.MulAdd(x, right, d10);
                    x = TLane.Broadcast(a9[2 * aRow]);
                    c11 = TLane.MulAdd(x, left, c11);
                    d11 = TLane.MulAdd(x, right, d11);
                }
            }

            Store(c0, d0, c);
            Store(c1, d1, c += cRow);
            Store(c2, d2, c += cRow);
            Store(c3, d3, c += cRow);
            Store(c4, d4, c += cRow);
            Store(c5, d5, c += cRow);
            if (GemmTile<TLane, T>.Rows == 12)
            {
                Store(c6, d6, c += cRow);
                Store(c7, d7, c += cRow);
                Store(c8, d8, c += cRow);
                Store(c9, d9, c += cRow);
                Store(c10, d10, c += cRow);
                Store(c11, d11, c += cRow);
            }

            a += GemmTile<TLane, T>.Rows * aRow;
            c += cRow;
        }
    }

    /// <summary>c += a^T b for one row of register tiles and all columns of b: where b fits L1 whole, each column of a is read once.</summary>
    /// <param name="columns">Columns of b and c.</param>
    /// <param name="depth">Steps of the sum.</param>
    /// <param name="a">The first of the tile's columns of a.</param>
    /// <param name="aStep">Elements from one row of a, a step of the sum, to the next.</param>
    /// <param name="b">The first row of b.</param>
    /// <param name="bStep">Elements from one row of b to the next.</param>
    /// <param name="c">The first row of c.</param>
    /// <param name="cRow">Elements from one row of c to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyAdd(int columns, int depth, T* a, nint aStep, T* b, nint bStep, T* c, nint cRow)
    {
        for (int column = 0; column < columns; column += GemmTile<TLane, T>.Columns)
        {
            TLane c0 = default, d0 = default, c1 = default, d1 = default, c2 = default, d2 = default;
            TLane c3 = default, d3 = default, c4 = default, d4 = default, c5 = default, d5 = default;
            TLane c6 = default, d6 = default, c7 = default, d7 = default, c8 = default, d8 = default;
            TLane c9 = default, d9 = default, c10 = default, d10 = default, c11 = default, d11 = default;
            TLane left, right, x;
            T* from = a, panel = b + column;
            for (int step = 0; step < depth; step++)
            {
                left = TLane.Load(panel);
                right = TLane.Load(panel + TLane.Count);
                x = TLane.Broadcast(from[0]);
                c0 = TLane.MulAdd(x, left, c0);
                d0 = TLane.MulAdd(x, right, d0);
                x = TLane.Broadcast(from[1]);
                c1 = TLane.MulAdd(x, left, c1);
                d1 = TLane.MulAdd(x, right, d1);
                x = TLane.Broadcast(from[2]);
                c2 = TLane.MulAdd(x, left, c2);
                d2 = TLane.MulAdd(x, right, d2);
                x = TLane.Broadcast(from[3]);
                c3 = TLane.MulAdd(x, left, c3);
                d3 = TLane.MulAdd(x, right, d3);
                x = TLane.Broadcast(from[4]);
                c4 = TLane.MulAdd(x, left, c4);
                d4 = TLane.MulAdd(x, right, d4);
                x = TLane.Broadcast(from[5]);
                c5 = TLane.MulAdd(x, left, c5);
                d5 = TLane.MulAdd(x, right, d5);
                if (GemmTile<TLane, T>.Rows == 12)
                {
                    x = TLane.Broadcast(from[6]);
                    c6 = TLane.MulAdd(x, left, c6);
                    d6 = TLane.MulAdd(x, right, d6);
                    x = TLane.Broadcast(from[7]);
                    c7 = TLane.MulAdd(x, left, c7);
                    d7 = TLane.MulAdd(x, right, d7);
                    x = TLane.Broadcast(from[8]);
                    c8 = TLane.MulAdd(x, left, c8);
                    d8 = TLane.MulAdd(x, right, d8);
                    x = TLane.Broadcast(from[9]);
                    c9 = TLane.MulAdd(x, left, c9);
                    d9 = TLane.MulAdd(x, right, d9);
                    x = TLane.Broadcast(from[10]);
                    c10 = TLane.MulAdd(x, left, c10);
                    d10 = TLane.MulAdd(x, right, d10);
                    x = TLane.Broadcast(from[11]);
                    c11 = TLane.MulAdd(x, left, c11);
                    d11 = TLane.MulAdd(x, right, d11);
                }

                from += aStep;
                panel += bStep;
            }

            T* sum = c + column;
            Add(c0, d0, sum);
            Add(c1, d1, sum += cRow);
            Add(c2, d2, sum += cRow);
            Add(c3, d3, sum += cRow);
            Add(c4, d4, sum += cRow);
            Add(c5, d5, sum += cRow);
            if (GemmTile<TLane, T>.Rows == 12)
            {
                Add(c6, d6, sum += cRow);
                Add(c7, d7, sum += cRow);
                Add(c8, d8, sum += cRow);
                Add(c9, d9, sum += cRow);
                Add(c10, d10, sum += cRow);
                Add(c11, d11, sum += cRow);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(TLane left, TLane right, T* c)
    {
        TLane.Store(left, c);
        TLane.Store(right, c + TLane.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Add(TLane left, TLane right, T* c)
    {
        TLane.Store(left + TLane.Load(c), c);
        TLane.Store(right + TLane.Load(c + TLane.Count), c + TLane.Count);
    }
}
