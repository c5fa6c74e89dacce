using System.Runtime.CompilerServices;

namespace Engine.Tensors;

/// <summary>A tensor [B, H, N, D] of any strides with neighbouring elements on the last axis, as rows of one head.</summary>
readonly unsafe struct HeadRows<T>(Tensor x) where T : unmanaged
{
    readonly T* origin = CpuBackend.Pointer<T>(x);
    readonly nint batchStride = x.Strides[0], headStride = x.Strides[1];

    /// <summary>Elements from one row to the next.</summary>
    public readonly nint RowStride = x.Strides[2];

    /// <summary>The first element of row n of head h of sequence b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* At(int b, int h, int n) => origin + b * batchStride + h * headStride + n * RowStride;
}
