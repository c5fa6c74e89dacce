using System.Numerics;

namespace Engine.Tensors;

/// <content>MatMul on the CPU.</content>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void MatMul<TActivation>(TActivation activation, Tensor a, Tensor b, Tensor? bias, Tensor y, Tensor? preActivation, bool accumulate) =>
        Simd.Run(y.DType, new MatMulKernel<TActivation>(this, activation, a, b, bias, y, preActivation, accumulate));

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
            B = Pointer<T>(b),
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
