using System.Numerics;
using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>y (bool) = a compared with b, for one element type.</summary>
readonly unsafe struct CompareKernel(Comparison comparison, Tensor a, Tensor b, Tensor y)
{
    readonly Comparison comparison = comparison;
    readonly Tensor a = a, b = b, y = y;

    [SkipLocalsInit]
    public void Run<T>() where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        Comparison comparison = this.comparison;
        T* pa = CpuBackend.Pointer<T>(a), pb = CpuBackend.Pointer<T>(b);
        byte* py = CpuBackend.Pointer<byte>(y);
        StridedWalk walk = StridedWalk.Over(y, a, b);
        walk.ForBlocks(Map.Block, Map.Grain, (place, count) =>
        {
            T* buffers = stackalloc T[2 * Map.Block];
            byte* made = stackalloc byte[Map.Block];
            T* left = walk.Stage(1, pa, place, count, buffers);
            T* right = walk.Stage(2, pb, place, count, buffers + Map.Block);
            byte* target = walk.Target(0, py, place, count, made);
            Loop(comparison, left, right, target, count);
            walk.Unstage(0, py, place, count, target, made);
        });
    }

    static void Loop<T>(Comparison comparison, T* a, T* b, byte* y, int count) where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        switch (comparison)
        {
            case Comparison.Equal:
                for (int i = 0; i < count; i++) y[i] = a[i] == b[i] ? (byte)1 : (byte)0;
                break;
            case Comparison.Less:
                for (int i = 0; i < count; i++) y[i] = a[i] < b[i] ? (byte)1 : (byte)0;
                break;
            default:
                for (int i = 0; i < count; i++) y[i] = a[i] <= b[i] ? (byte)1 : (byte)0;
                break;
        }
    }
}

/// <summary>y = condition ? a : b, as bits: the mask 0 - condition keeps a where it is all ones.</summary>
readonly unsafe struct SelectKernel(Tensor condition, Tensor a, Tensor b, Tensor y) : IBitsKernel
{
    readonly Tensor condition = condition, a = a, b = b, y = y;

    [SkipLocalsInit]
    public void Run<TBits>() where TBits : unmanaged, IBinaryInteger<TBits>
    {
        byte* pc = CpuBackend.Pointer<byte>(condition);
        TBits* pa = CpuBackend.Pointer<TBits>(a), pb = CpuBackend.Pointer<TBits>(b), py = CpuBackend.Pointer<TBits>(y);
        StridedWalk walk = StridedWalk.Over(y, condition, a, b);
        walk.ForBlocks(Map.Block, Map.Grain, (place, count) =>
        {
            byte* flags = stackalloc byte[Map.Block];
            TBits* buffers = stackalloc TBits[3 * Map.Block];
            byte* asked = walk.Stage(1, pc, place, count, flags);
            TBits* then = walk.Stage(2, pa, place, count, buffers);
            TBits* otherwise = walk.Stage(3, pb, place, count, buffers + Map.Block);
            TBits* target = walk.Target(0, py, place, count, buffers + 2 * Map.Block);
            for (int i = 0; i < count; i++)
            {
                TBits mask = TBits.Zero - TBits.CreateTruncating(asked[i]);
                target[i] = (then[i] & mask) | (otherwise[i] & ~mask);
            }

            walk.Unstage(0, py, place, count, target, buffers + 2 * Map.Block);
        });
    }
}
