using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>What kernels over rows share: vectors that a row fills only in part, folds over rows, and exponentials of what is not positive.</summary>
static unsafe class RowMath<TLane, T>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // 2^-126, the smallest normal float, is e to this power; below it the result is 0.
    const double Lowest = -87.3365447504019;

    // Elements of the widest vector.
    const int Room = 16;

    /// <summary>The first elements of a vector, and a filler behind them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static TLane LoadPart(T* source, int count, T filler)
    {
        T* room = stackalloc T[Room];
        for (int i = 0; i < TLane.Count; i++) room[i] = i < count ? source[i] : filler;
        return TLane.Load(room);
    }

    /// <summary>Stores the first elements of a vector.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void StorePart(TLane value, T* target, int count)
    {
        T* room = stackalloc T[Room];
        TLane.Store(value, room);
        for (int i = 0; i < count; i++) target[i] = room[i];
    }

    /// <summary>Largest lane.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static T Largest(TLane value)
    {
        T* room = stackalloc T[Room];
        TLane.Store(value, room);
        T largest = room[0];
        for (int i = 1; i < TLane.Count; i++)
            if (room[i] > largest) largest = room[i];
        return largest;
    }

    /// <summary>e^x for x at most 0: <see cref="VectorMath.ExpSingle"/> without what the other half needs. Minus infinity gives 0, NaN stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLane ExpNonPositive(TLane x)
    {
        if (typeof(T) != typeof(float)) return TLane.Exp(x);
        TLane bounded = TLane.Max(TLane.Of(Lowest), x);
        TLane n = TLane.Round(bounded * TLane.Of(1.44269504088896341));
        TLane r = TLane.MulAdd(n, TLane.Of(-0.693359375), bounded);
        r = TLane.MulAdd(n, TLane.Of(2.12194440e-4), r);
        TLane p = TLane.Of(1.9875691500e-4);
        p = TLane.MulAdd(p, r, TLane.Of(1.3981999507e-3));
        p = TLane.MulAdd(p, r, TLane.Of(8.3334519073e-3));
        p = TLane.MulAdd(p, r, TLane.Of(4.1665795894e-2));
        p = TLane.MulAdd(p, r, TLane.Of(1.6666665459e-1));
        p = TLane.MulAdd(p, r, TLane.Of(5.0000001201e-1));
        p = TLane.MulAdd(p, r * r, r + TLane.Of(1.0));
        return TLane.IfGreater(TLane.Of(Lowest), x, TLane.Of(0.0), TLane.Scale(p, n));
    }

    /// <summary>The largest of a row's elements; of a NaN among them nothing is promised.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Largest(T* row, int count)
    {
        TLane first = TLane.Broadcast(T.NegativeInfinity), second = first;
        int i = 0;
        for (; i + 2 * TLane.Count <= count; i += 2 * TLane.Count)
        {
            first = TLane.Max(TLane.Load(row + i), first);
            second = TLane.Max(TLane.Load(row + i + TLane.Count), second);
        }

        for (; i + TLane.Count <= count; i += TLane.Count) first = TLane.Max(TLane.Load(row + i), first);
        if (i < count) second = TLane.Max(LoadPart(row + i, count - i, T.NegativeInfinity), second);
        return Largest(TLane.Max(first, second));
    }

    /// <summary>The sum of e^(x - shift) over a row, where shift is at least its largest element; the terms go to y unless it is null (y may be x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T SumExp(T* x, int count, T shift, T* y)
    {
        TLane sum = TLane.Of(0.0), s = TLane.Broadcast(shift);
        int i = 0;
        for (; i + TLane.Count <= count; i += TLane.Count)
        {
            TLane e = ExpNonPositive(TLane.Load(x + i) - s);
            if (y != null) TLane.Store(e, y + i);
            sum += e;
        }

        if (i < count)
        {
            TLane e = ExpNonPositive(LoadPart(x + i, count - i, T.NegativeInfinity) - s);
            if (y != null) StorePart(e, y + i, count - i);
            sum += e;
        }

        return TLane.Sum(sum);
    }

    /// <summary>The sum of a_i b_i over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Dot(T* a, T* b, int count)
    {
        TLane first = TLane.Of(0.0), second = first;
        int i = 0;
        for (; i + 2 * TLane.Count <= count; i += 2 * TLane.Count)
        {
            first = TLane.MulAdd(TLane.Load(a + i), TLane.Load(b + i), first);
            second = TLane.MulAdd(TLane.Load(a + i + TLane.Count), TLane.Load(b + i + TLane.Count), second);
        }

        for (; i + TLane.Count <= count; i += TLane.Count) first = TLane.MulAdd(TLane.Load(a + i), TLane.Load(b + i), first);
        if (i < count) second = TLane.MulAdd(LoadPart(a + i, count - i, T.Zero), LoadPart(b + i, count - i, T.Zero), second);
        return TLane.Sum(first + second);
    }

    /// <summary>y = factor x over a row; y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(T* x, T factor, T* y, int count)
    {
        TLane f = TLane.Broadcast(factor);
        int i = 0;
        for (; i + TLane.Count <= count; i += TLane.Count) TLane.Store(TLane.Load(x + i) * f, y + i);
        for (; i < count; i++) y[i] = x[i] * factor;
    }

    /// <summary>y = alpha x + beta y over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyAdd(T* x, T alpha, T beta, T* y, int count)
    {
        TLane a = TLane.Broadcast(alpha), b = TLane.Broadcast(beta);
        int i = 0;
        for (; i + TLane.Count <= count; i += TLane.Count) TLane.Store(TLane.MulAdd(TLane.Load(x + i), a, TLane.Load(y + i) * b), y + i);
        for (; i < count; i++) y[i] = T.MultiplyAddEstimate(x[i], alpha, y[i] * beta);
    }

    /// <summary>y += x over a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(T* x, T* y, int count)
    {
        int i = 0;
        for (; i + TLane.Count <= count; i += TLane.Count) TLane.Store(TLane.Load(y + i) + TLane.Load(x + i), y + i);
        for (; i < count; i++) y[i] += x[i];
    }
}
