using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>
/// y = op(x) over any strides. A contiguous loop is the only arithmetic: what lies otherwise is gathered into a small
/// buffer before and scattered after it. Tails pass through a buffer of one vector, so that an element's value does not
/// depend on where it stands.
/// </summary>
static unsafe class Map
{
    /// <summary>Elements of a staging buffer: three of them fit the first-level cache.</summary>
    public const int Block = 1024;

    /// <summary>Elements a thread takes at once.</summary>
    public const int Grain = 32768;

    const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization;

    [MethodImpl(Hot), SkipLocalsInit]
    public static void Loop<TOp, TLane, T>(TOp op, T* x, T* y, int count)
        where TOp : struct, IUnary
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged
    {
        int width = TLane.Count, i = 0;
        for (; i <= count - width; i += width) TLane.Store(op.Apply(TLane.Load(x + i)), y + i);
        int rest = count - i;
        if (rest == 0) return;
        T* tail = stackalloc T[width];
        Take(x + i, rest, tail);
        TLane.Store(op.Apply(TLane.Load(tail)), tail);
        Put(tail, rest, y + i);
    }

    [MethodImpl(Hot), SkipLocalsInit]
    public static void Loop<TOp, TLane, T>(TOp op, T* a, T* b, T* y, int count)
        where TOp : struct, IBinary
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged
    {
        int width = TLane.Count, i = 0;
        for (; i <= count - width; i += width) TLane.Store(op.Apply(TLane.Load(a + i), TLane.Load(b + i)), y + i);
        int rest = count - i;
        if (rest == 0) return;
        T* tail = stackalloc T[2 * width];
        Take(a + i, rest, tail);
        Take(b + i, rest, tail + width);
        TLane.Store(op.Apply(TLane.Load(tail), TLane.Load(tail + width)), tail);
        Put(tail, rest, y + i);
    }

    [MethodImpl(Hot), SkipLocalsInit]
    public static void Loop<TOp, TLane, T>(TOp op, T* a, T* b, T* c, T* y, int count)
        where TOp : struct, ITernary
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged
    {
        int width = TLane.Count, i = 0;
        for (; i <= count - width; i += width)
            TLane.Store(op.Apply(TLane.Load(a + i), TLane.Load(b + i), TLane.Load(c + i)), y + i);
        int rest = count - i;
        if (rest == 0) return;
        T* tail = stackalloc T[3 * width];
        Take(a + i, rest, tail);
        Take(b + i, rest, tail + width);
        Take(c + i, rest, tail + 2 * width);
        TLane.Store(op.Apply(TLane.Load(tail), TLane.Load(tail + width), TLane.Load(tail + 2 * width)), tail);
        Put(tail, rest, y + i);
    }

    static void Take<T>(T* source, int count, T* tail) where T : unmanaged
    {
        for (int i = 0; i < count; i++) tail[i] = source[i];
    }

    static void Put<T>(T* tail, int count, T* target) where T : unmanaged
    {
        for (int i = 0; i < count; i++) target[i] = tail[i];
    }
}

/// <summary>The unary map as a kernel.</summary>
readonly struct UnaryMap<TOp>(TOp op, Tensor x, Tensor y) : ISimdKernel where TOp : struct, IUnary
{
    readonly TOp op = op;
    readonly Tensor x = x, y = y;

    [SkipLocalsInit]
    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        TOp op = this.op;
        T* px = CpuBackend.Pointer<T>(x), py = CpuBackend.Pointer<T>(y);
        if (x.IsContiguous && y.IsContiguous && y.ElementCount <= Map.Grain)
        {
            Map.Loop<TOp, TLane, T>(op, px, py, (int)y.ElementCount);
            return;
        }

        StridedWalk walk = StridedWalk.Over(y, x);
        bool dense = walk.IsDense(0) && walk.IsDense(1);
        walk.ForBlocks(dense ? Map.Grain : Map.Block, Map.Grain, (place, count) =>
        {
            T* buffers = stackalloc T[dense ? 0 : 2 * Map.Block];
            T* staged = walk.Stage(1, px, place, count, buffers);
            T* target = walk.Target(0, py, place, count, buffers + Map.Block);
            Map.Loop<TOp, TLane, T>(op, staged, target, count);
            walk.Unstage(0, py, place, count, target, buffers + Map.Block);
        });
    }
}

/// <summary>The binary map as a kernel.</summary>
readonly struct BinaryMap<TOp>(TOp op, Tensor a, Tensor b, Tensor y) : ISimdKernel where TOp : struct, IBinary
{
    readonly TOp op = op;
    readonly Tensor a = a, b = b, y = y;

    [SkipLocalsInit]
    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        TOp op = this.op;
        T* pa = CpuBackend.Pointer<T>(a), pb = CpuBackend.Pointer<T>(b), py = CpuBackend.Pointer<T>(y);
        if (a.IsContiguous && b.IsContiguous && y.IsContiguous && y.ElementCount <= Map.Grain)
        {
            Map.Loop<TOp, TLane, T>(op, pa, pb, py, (int)y.ElementCount);
            return;
        }

        StridedWalk walk = StridedWalk.Over(y, a, b);
        bool dense = walk.IsDense(0) && walk.IsDense(1) && walk.IsDense(2);
        walk.ForBlocks(dense ? Map.Grain : Map.Block, Map.Grain, (place, count) =>
        {
            T* buffers = stackalloc T[dense ? 0 : 3 * Map.Block];
            T* left = walk.Stage(1, pa, place, count, buffers);
            T* right = walk.Stage(2, pb, place, count, buffers + Map.Block);
            T* target = walk.Target(0, py, place, count, buffers + 2 * Map.Block);
            Map.Loop<TOp, TLane, T>(op, left, right, target, count);
            walk.Unstage(0, py, place, count, target, buffers + 2 * Map.Block);
        });
    }
}

/// <summary>The ternary map as a kernel.</summary>
readonly struct TernaryMap<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y) : ISimdKernel where TOp : struct, ITernary
{
    readonly TOp op = op;
    readonly Tensor a = a, b = b, c = c, y = y;

    [SkipLocalsInit]
    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        TOp op = this.op;
        T* pa = CpuBackend.Pointer<T>(a), pb = CpuBackend.Pointer<T>(b), pc = CpuBackend.Pointer<T>(c), py = CpuBackend.Pointer<T>(y);
        if (a.IsContiguous && b.IsContiguous && c.IsContiguous && y.IsContiguous && y.ElementCount <= Map.Grain)
        {
            Map.Loop<TOp, TLane, T>(op, pa, pb, pc, py, (int)y.ElementCount);
            return;
        }

        StridedWalk walk = StridedWalk.Over(y, a, b, c);
        bool dense = walk.IsDense(0) && walk.IsDense(1) && walk.IsDense(2) && walk.IsDense(3);
        walk.ForBlocks(dense ? Map.Grain : Map.Block, Map.Grain, (place, count) =>
        {
            T* buffers = stackalloc T[dense ? 0 : 4 * Map.Block];
            T* first = walk.Stage(1, pa, place, count, buffers);
            T* second = walk.Stage(2, pb, place, count, buffers + Map.Block);
            T* third = walk.Stage(3, pc, place, count, buffers + 2 * Map.Block);
            T* target = walk.Target(0, py, place, count, buffers + 3 * Map.Block);
            Map.Loop<TOp, TLane, T>(op, first, second, third, target, count);
            walk.Unstage(0, py, place, count, target, buffers + 3 * Map.Block);
        });
    }
}
