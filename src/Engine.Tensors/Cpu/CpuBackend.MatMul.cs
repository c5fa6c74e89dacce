using System.Numerics;

namespace Engine.Tensors;

/// <content>MatMul on the CPU.</content>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
    {
        Tensor right = b.DType == y.DType || IsReadNarrow(b, bias, y) ? b : Widened(b, y.DType);
        Simd.Run(y.DType, new MatMulKernel<TActivation>(this, activation, a, right, bias, y, preActivation, accumulate));
        if (right != b) right.Release();
    }

    // The kernels widen a 16-bit matrix as they go where it is one dense matrix and stays the right side. What is left are
    // columns, batches of matrices and odd strides: small, or rare. The sums are the same either way.
    static bool IsReadNarrow(Tensor b, Tensor? bias, Tensor y)
    {
        foreach (int stride in b.Strides[..^2])
            if (stride != 0) return false;
        bool transposes = y.Strides[^1] != 1 && y.Strides[^2] == 1 && bias is null;
        return b.Shape[^1] > 1 && (b.Strides[^1] == 1 || b.Strides[^2] == 1) && !transposes;
    }

    // The strides decide which way a product takes: a transposed matrix stays one, and the stride of an axis of one element, too.
    static Tensor Widened(Tensor b, DType type)
    {
        Tensor dense = b.Strides[^2] == 1 && b.Strides[^1] != 1 ? b.Transpose().To(type).Transpose() : b.To(type);
        int[] strides = dense.Strides.ToArray();
        for (int axis = 0; axis < strides.Length; axis++)
            if (b.Shape[axis] == 1) strides[axis] = b.Strides[axis];
        return new(dense.Storage, type, dense.Shape, strides, dense.Offset);
    }

    /// <summary>The product with vectors of a given width; tests choose one that the processor only emulates.</summary>
    internal void MatMul<TLane, T, TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TActivation : struct, IUnary
    {
        GemmProblem<T> problem = new()
        {
            M = y.Shape[^2],
            N = y.Shape[^1],
            K = a.Shape[^1],
            A = Pointer<T>(a),
            ARow = a.Strides[^2],
            AColumn = a.Strides[^1],
            B = (T*)Pointer(b),
            BType = b.DType,
            BRow = b.Strides[^2],
            BColumn = b.Strides[^1],
            Y = Pointer<T>(y),
            YRow = y.Strides[^2],
            YColumn = y.Strides[^1],
            Accumulate = accumulate,
        };
        if (preActivation is not null)
        {
            problem.Linear = Pointer<T>(preActivation);
            (problem.LinearRow, problem.LinearColumn) = (preActivation.Strides[^2], preActivation.Strides[^1]);
        }

        CpuStorage? denseBias = null, partial = null;
        if (bias is not null)
        {
            problem.Bias = Pointer<T>(bias);
            if (bias.Strides[0] != 1 && problem.N > 1)
            {
                denseBias = pool.Rent((long)problem.N * sizeof(T));
                problem.Bias = (T*)denseBias.Pointer;
                T* source = Pointer<T>(bias);
                for (int j = 0; j < problem.N; j++) problem.Bias[j] = source[(nint)j * bias.Strides[0]];
            }
        }

        // Enough for a batch folded into one product, too.
        if (Gemm<TLane, T, TActivation>.NeedsPartial(problem)) partial = pool.Rent(y.ElementCount * sizeof(T));
        GemmBatch<TLane, T, TActivation>.Run(problem, activation, a, b, y, preActivation, partial is null ? null : (T*)partial.Pointer);
        partial?.Release();
        denseBias?.Release();
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(bias);
        GC.KeepAlive(y);
        GC.KeepAlive(preActivation);
    }

    readonly struct MatMulKernel<TActivation>(CpuBackend backend, TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate) : ISimdKernel
        where TActivation : struct, IUnary
    {
        public void Run<TLane, T>()
            where TLane : struct, IVectorLane<TLane, T>
            where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
            backend.MatMul<TLane, T, TActivation>(activation, a, b, bias, y, preActivation, accumulate);
    }
}
