using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Engine.Tensors;

/// <summary>y = x of another element type: blocks are gathered, converted in one contiguous loop, and scattered.</summary>
readonly struct Conversion(Tensor x, Tensor y) : IElementKernel
{
    const int Block = 1024;

    readonly Tensor x = x, y = y;

    public void Run<TFrom>() where TFrom : unmanaged, IElement<TFrom> => Elements.Run(y.DType, new To<TFrom>(x, y));

    readonly struct To<TFrom>(Tensor x, Tensor y) : IElementKernel where TFrom : unmanaged, IElement<TFrom>
    {
        readonly Tensor x = x, y = y;

        [SkipLocalsInit]
        public unsafe void Run<TTo>() where TTo : unmanaged, IElement<TTo>
        {
            TFrom* px = CpuBackend.Pointer<TFrom>(x);
            TTo* py = CpuBackend.Pointer<TTo>(y);
            StridedWalk walk = StridedWalk.Over(y, x);
            bool dense = walk.IsDense(0) && walk.IsDense(1);
            walk.ForBlocks(dense ? Map.Grain : Block, Map.Grain, (place, count) =>
            {
                TFrom* taken = stackalloc TFrom[dense ? 0 : Block];
                TTo* made = stackalloc TTo[dense ? 0 : Block];
                TFrom* source = walk.Stage(1, px, place, count, taken);
                TTo* target = walk.Target(0, py, place, count, made);
                Loop(source, target, count);
                walk.Unstage(0, py, place, count, target, made);
            });
        }

        static unsafe void Loop<TTo>(TFrom* x, TTo* y, int count) where TTo : unmanaged, IElement<TTo>
        {
            if (typeof(TFrom) == typeof(SingleElement) && typeof(TTo) == typeof(BrainElement)) Narrow((uint*)x, (ushort*)y, count);
            else if (typeof(TFrom) == typeof(BrainElement) && typeof(TTo) == typeof(SingleElement)) Widen((ushort*)x, (uint*)y, count);
            else if (typeof(TFrom) == typeof(SingleElement) && typeof(TTo) == typeof(HalfElement)) TensorPrimitives.ConvertToHalf(new ReadOnlySpan<float>(x, count), new Span<Half>(y, count));
            else if (typeof(TFrom) == typeof(HalfElement) && typeof(TTo) == typeof(SingleElement)) TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(x, count), new Span<float>(y, count));
            else if (TFrom.IsInteger) for (int i = 0; i < count; i++) y[i] = TTo.From(TFrom.ToLong(x[i]));
            else for (int i = 0; i < count; i++) y[i] = TTo.From(TFrom.ToDouble(x[i]));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static unsafe void Narrow(uint* x, ushort* y, int count)
    {
        int i = 0;
        for (; i <= count - 16; i += 16)
            Vector256.Store(Vector256.Narrow(Round(Vector256.Load(x + i)), Round(Vector256.Load(x + i + 8))), y + i);
        for (; i < count; i++) y[i] = BrainElement.Round(x[i]);
    }

    // The vector form of BrainElement.Round.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<uint> Round(Vector256<uint> single)
    {
        Vector256<uint> upper = single >> 16;
        Vector256<uint> rounded = (single + Vector256.Create(0x7FFFu) + (upper & Vector256<uint>.One)) >> 16;
        Vector256<uint> isNaN = Vector256.GreaterThan((single & Vector256.Create(0x7FFFFFFFu)).AsInt32(), Vector256.Create(0x7F800000)).AsUInt32();
        return Vector256.ConditionalSelect(isNaN, upper | Vector256.Create(0x40u), rounded);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static unsafe void Widen(ushort* x, uint* y, int count)
    {
        int i = 0;
        for (; i <= count - 16; i += 16)
        {
            (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(Vector256.Load(x + i));
            Vector256.Store(lower << 16, y + i);
            Vector256.Store(upper << 16, y + i + 8);
        }

        for (; i < count; i++) y[i] = (uint)x[i] << 16;
    }
}
