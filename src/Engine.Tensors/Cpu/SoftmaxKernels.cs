using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>y = softmax of each row of dense x [R, N], or its logarithm.</summary>
readonly unsafe struct SoftmaxKernel(bool logarithm, Tensor x, Tensor y) : ISimdKernel
{
    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T* source = CpuBackend.Pointer<T>(x), target = CpuBackend.Pointer<T>(y);
        int length = x.Shape[1];
        bool log = logarithm;
        Rows.ForEach(x.Shape[0], length, row =>
        {
            if (log) LogRow<TLane, T>(source + row * length, target + row * length, length);
            else Row<TLane, T>(source + row * length, target + row * length, length);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    static void Row<TLane, T>(T* x, T* y, int length)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T sum = RowMath<TLane, T>.SumExp(x, length, RowMath<TLane, T>.Largest(x, length), y);
        RowMath<TLane, T>.Multiply(y, T.One / sum, y, length);
    }

    static void LogRow<TLane, T>(T* x, T* y, int length)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // First the distance to the largest, which is exact where it matters, then the logarithm of the sum.
        T largest = RowMath<TLane, T>.Largest(x, length);
        T log = T.Log(RowMath<TLane, T>.SumExp(x, length, largest, null));
        Subtract<TLane, T>(x, largest, log, y, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Subtract<TLane, T>(T* x, T first, T second, T* y, int length)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TLane a = TLane.Broadcast(first), b = TLane.Broadcast(second);
        int i = 0;
        for (; i + TLane.Count <= length; i += TLane.Count) TLane.Store(TLane.Load(x + i) - a - b, y + i);
        for (; i < length; i++) y[i] = x[i] - first - second;
    }
}

/// <summary>dx = y (dy - sum(dy y)) of a softmax, or dy - e^y sum(dy) of its logarithm.</summary>
readonly unsafe struct SoftmaxGradientKernel(bool logarithm, Tensor y, Tensor dy, Tensor dx) : ISimdKernel
{
    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T* py = CpuBackend.Pointer<T>(y), pdy = CpuBackend.Pointer<T>(dy), pdx = CpuBackend.Pointer<T>(dx);
        int length = y.Shape[1];
        bool log = logarithm;
        Rows.ForEach(y.Shape[0], length, row =>
        {
            nint at = (nint)row * length;
            if (log) LogRow<TLane, T>(py + at, pdy + at, pdx + at, length);
            else Row<TLane, T>(py + at, pdy + at, pdx + at, length);
        });
        GC.KeepAlive(y);
        GC.KeepAlive(dy);
        GC.KeepAlive(dx);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Row<TLane, T>(T* y, T* dy, T* dx, int length)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T dot = RowMath<TLane, T>.Dot(y, dy, length);
        TLane d = TLane.Broadcast(dot);
        int i = 0;
        for (; i + TLane.Count <= length; i += TLane.Count) TLane.Store(TLane.Load(y + i) * (TLane.Load(dy + i) - d), dx + i);
        for (; i < length; i++) dx[i] = y[i] * (dy[i] - dot);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void LogRow<TLane, T>(T* y, T* dy, T* dx, int length)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TLane sum = TLane.Of(0.0);
        int i = 0;
        for (; i + TLane.Count <= length; i += TLane.Count) sum += TLane.Load(dy + i);
        if (i < length) sum += RowMath<TLane, T>.LoadPart(dy + i, length - i, T.Zero);
        TLane total = TLane.Broadcast(TLane.Sum(sum));
        for (i = 0; i + TLane.Count <= length; i += TLane.Count)
            TLane.Store(TLane.MulAdd(-RowMath<TLane, T>.ExpNonPositive(TLane.Load(y + i)), total, TLane.Load(dy + i)), dx + i);
        if (i < length)
        {
            TLane exponentials = RowMath<TLane, T>.ExpNonPositive(RowMath<TLane, T>.LoadPart(y + i, length - i, T.Zero));
            RowMath<TLane, T>.StorePart(TLane.MulAdd(-exponentials, total, RowMath<TLane, T>.LoadPart(dy + i, length - i, T.Zero)), dx + i, length - i);
        }
    }
}
