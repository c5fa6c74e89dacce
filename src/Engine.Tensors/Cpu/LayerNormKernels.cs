using System.Numerics;

namespace Engine.Tensors;

/// <summary>Layer norm of the rows of dense x [R, D]; RMS norm where mean is null.</summary>
readonly unsafe struct LayerNormKernel(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor? mean, Tensor rstd) : ISimdKernel
{
    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T* source = CpuBackend.Pointer<T>(x), target = CpuBackend.Pointer<T>(y), scales = CpuBackend.Pointer<T>(rstd);
        T* means = mean is null ? null : CpuBackend.Pointer<T>(mean);
        using DenseVector<T> g = new(gamma), b = new(beta);
        T* pg = g.Pointer, pb = b.Pointer;
        int length = x.Shape[1];
        T e = T.CreateChecked(epsilon);
        Rows.ForEach(x.Shape[0], length, row =>
        {
            T* from = source + row * length;
            T centre = means != null ? RowNorm<TLane, T>.Mean(from, length) : T.Zero;
            T scale = T.One / T.Sqrt(RowNorm<TLane, T>.MeanSquare(from, centre, length) + e);
            if (means != null) means[row] = centre;
            scales[row] = scale;
            RowNorm<TLane, T>.Apply(from, centre, scale, pg, pb, target + row * length, length);
        });
        GC.KeepAlive(x);
        GC.KeepAlive(gamma);
        GC.KeepAlive(beta);
        GC.KeepAlive(y);
        GC.KeepAlive(mean);
        GC.KeepAlive(rstd);
    }
}

/// <summary>
/// Gradients of <see cref="LayerNormKernel"/> in one pass over dy and x: dx, and for dgamma and dbeta one partial sum a chunk of
/// rows. The chunks follow from the shape alone and are folded in order, so the bits do not depend on the threads.
/// </summary>
readonly unsafe struct LayerNormGradientKernel(MemoryPool pool, Tensor dy, Tensor x, Tensor? gamma, Tensor? mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta)
    : ISimdKernel
{
    const int MostChunks = 64, ChunkElements = 16 * 1024;

    public void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = x.Shape[0], length = x.Shape[1];
        int chunkRows = Math.Max((rows + MostChunks - 1) / MostChunks, (ChunkElements + length - 1) / length);
        int chunks = (rows + chunkRows - 1) / chunkRows;
        T* pdy = CpuBackend.Pointer<T>(dy), px = CpuBackend.Pointer<T>(x), pr = CpuBackend.Pointer<T>(rstd), pdx = CpuBackend.Pointer<T>(dx);
        T* pm = mean is null ? null : CpuBackend.Pointer<T>(mean);
        using DenseVector<T> g = new(gamma);
        T* pg = g.Pointer;
        bool wantsGamma = dgamma is not null, wantsBeta = dbeta is not null;
        CpuStorage partials = pool.Rent(2L * chunks * length * sizeof(T));
        T* sums = (T*)partials.Pointer;
        ThreadTeam.For(chunks, chunk =>
        {
            T* gammas = wantsGamma ? sums + (nint)chunk * length : null, betas = wantsBeta ? sums + ((nint)chunks + chunk) * length : null;
            if (wantsGamma) new Span<T>(gammas, length).Clear();
            if (wantsBeta) new Span<T>(betas, length).Clear();
            int end = Math.Min(rows, (chunk + 1) * chunkRows);
            for (int row = chunk * chunkRows; row < end; row++)
            {
                nint at = (nint)row * length;
                RowNorm<TLane, T>.Gradient(pdy + at, px + at, pg, pm != null ? pm[row] : T.Zero, pr[row], pm != null, pdx + at, gammas, betas, length);
            }
        });
        Fold<TLane, T>(sums, chunks, length, dgamma);
        Fold<TLane, T>(sums + (nint)chunks * length, chunks, length, dbeta);
        partials.Release();
        GC.KeepAlive(dy);
        GC.KeepAlive(x);
        GC.KeepAlive(gamma);
        GC.KeepAlive(mean);
        GC.KeepAlive(rstd);
        GC.KeepAlive(dx);
    }

    static void Fold<TLane, T>(T* sums, int chunks, int length, Tensor? target)
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (target is null) return;
        T* total = CpuBackend.Pointer<T>(target);
        new Span<T>(sums, length).CopyTo(new(total, length));
        for (int chunk = 1; chunk < chunks; chunk++) RowMath<TLane, T>.Add(sums + (nint)chunk * length, total, length);
        GC.KeepAlive(target);
    }
}
