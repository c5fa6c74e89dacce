using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>The inner loop of a matrix product: one register tile of y over one block of K.</summary>
/// <remarks>
/// The accumulators are named locals, since the JIT keeps neither arrays nor large structs in registers (and in a do-while
/// loop, measured, not even those: 43 instead of 102 GFLOP/s on a peak of 103); rows 6 to 11 exist
/// only where a tile has 12 (<see cref="GemmTile{TLane, T}.Rows"/> is a constant, so the branches vanish). Every element sums
/// its products in the order of k by fused multiply-adds, so its bits depend neither on its place in a tile nor on the width
/// of the vectors.
/// </remarks>
static unsafe class GemmMicroKernel<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged
{
    /// <summary>c = [c +] [bias +] a b over <paramref name="depth"/> steps.</summary>
    /// <param name="depth">Steps along K.</param>
    /// <param name="a">The tile's rows of a, packed or in place.</param>
    /// <param name="aRow">Elements from one row of a to the next.</param>
    /// <param name="aStep">Elements from one step of a to the next.</param>
    /// <param name="b">A panel of b: a step's columns are neighbours.</param>
    /// <param name="bStep">Elements from one step of b to the next: the tile's columns if it is packed.</param>
    /// <param name="c">The tile's first element; columns are neighbours.</param>
    /// <param name="cStep">Elements from one row of c to the next.</param>
    /// <param name="bias">The tile's columns of the bias, or null.</param>
    /// <param name="accumulate">Whether what c holds is added.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(int depth, T* a, nint aRow, nint aStep, T* b, nint bStep, T* c, nint cStep, T* bias, bool accumulate)
    {
        TLane c0 = default, d0 = default, c1 = default, d1 = default, c2 = default, d2 = default;
        TLane c3 = default, d3 = default, c4 = default, d4 = default, c5 = default, d5 = default;
        TLane c6 = default, d6 = default, c7 = default, d7 = default, c8 = default, d8 = default;
        TLane c9 = default, d9 = default, c10 = default, d10 = default, c11 = default, d11 = default;

        // Three rows a pointer: x86 addresses reach a, a + aRow and a + 2 aRow from one.
        T* a3 = a + 3 * aRow, a6 = a3 + 3 * aRow, a9 = a6 + 3 * aRow;
        for (int step = 0; step < depth; step++)
        {
            TLane left = TLane.Load(b), right = TLane.Load(b + TLane.Count);
            TLane x = TLane.Broadcast(a[0]);
            c0 = TLane.MulAdd(x, left, c0);
            d0 = TLane.MulAdd(x, right, d0);
            x = TLane.Broadcast(a[aRow]);
            c1 = TLane.MulAdd(x, left, c1);
            d1 = TLane.MulAdd(x, right, d1);
            x = TLane.Broadcast(a[2 * aRow]);
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
                a6 += aStep;
                a9 += aStep;
            }

            a += aStep;
            a3 += aStep;
            b += bStep;
        }

        Store(c0, d0, c, bias, accumulate);
        Store(c1, d1, c += cStep, bias, accumulate);
        Store(c2, d2, c += cStep, bias, accumulate);
        Store(c3, d3, c += cStep, bias, accumulate);
        Store(c4, d4, c += cStep, bias, accumulate);
        Store(c5, d5, c += cStep, bias, accumulate);
        if (GemmTile<TLane, T>.Rows == 12)
        {
            Store(c6, d6, c += cStep, bias, accumulate);
            Store(c7, d7, c += cStep, bias, accumulate);
            Store(c8, d8, c += cStep, bias, accumulate);
            Store(c9, d9, c += cStep, bias, accumulate);
            Store(c10, d10, c += cStep, bias, accumulate);
            Store(c11, d11, c + cStep, bias, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(TLane left, TLane right, T* c, T* bias, bool accumulate)
    {
        if (bias != null)
        {
            left += TLane.Load(bias);
            right += TLane.Load(bias + TLane.Count);
        }

        if (accumulate)
        {
            left += TLane.Load(c);
            right += TLane.Load(c + TLane.Count);
        }

        TLane.Store(left, c);
        TLane.Store(right, c + TLane.Count);
    }
}
