using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Softmax, layer norm and RMS norm.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Softmax(bool logarithm, Tensor x, Tensor y)
    {
        ElementTypes.Run(x.DType, new SoftmaxLaunch(Runtime, logarithm, x, null, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void SoftmaxGradient(bool logarithm, Tensor y, Tensor dy, Tensor dx)
    {
        ElementTypes.Run(y.DType, new SoftmaxLaunch(Runtime, logarithm, y, dy, dx));
        GC.KeepAlive(y);
        GC.KeepAlive(dy);
        GC.KeepAlive(dx);
    }

    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd)
    {
        ElementTypes.Run(x.DType, new RowNormLaunch<Centred>(Runtime, x, gamma, beta, epsilon, y, mean, rstd));
        KeepAlive(x, gamma, beta, y, mean, rstd);
    }

    /// <inheritdoc/>
    public override void RmsNorm(Tensor x, Tensor? gamma, float epsilon, Tensor y, Tensor rstd)
    {
        ElementTypes.Run(x.DType, new RowNormLaunch<NotCentred>(Runtime, x, gamma, null, epsilon, y, rstd, rstd));
        KeepAlive(x, gamma, y, rstd);
    }

    /// <inheritdoc/>
    public override void LayerNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta)
    {
        ElementTypes.Run(x.DType, new RowNormGradientLaunch<Centred>(this, dy, x, gamma, mean, rstd, dx, dgamma, dbeta));
        KeepAlive(dy, x, gamma, mean, rstd, dx, dgamma, dbeta);
    }

    /// <inheritdoc/>
    public override void RmsNormGradient(Tensor dy, Tensor x, Tensor? gamma, Tensor rstd, Tensor dx, Tensor? dgamma)
    {
        ElementTypes.Run(x.DType, new RowNormGradientLaunch<NotCentred>(this, dy, x, gamma, rstd, rstd, dx, dgamma, null));
        KeepAlive(dy, x, gamma, rstd, dx, dgamma);
    }

    static void KeepAlive(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (Tensor? tensor in tensors) GC.KeepAlive(tensor);
    }

    readonly struct SoftmaxLaunch(GpuRuntime runtime, bool logarithm, Tensor x, Tensor? dy, Tensor y) : IElementLaunch
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            int threads = RowTeams.SizeFor(x.Shape[0], x.Shape[1]);
            if (threads == OneThread.Size) Launch<OneThread, TElement, TWord, TLane>();
            else if (threads == ThirtyTwoThreads.Size) Launch<ThirtyTwoThreads, TElement, TWord, TLane>();
            else Launch<WholeGroup, TElement, TWord, TLane>();
        }

        void Launch<TTeam, TElement, TWord, TLane>()
            where TTeam : struct, IRowTeam
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            SoftmaxArguments<TWord> a = new()
            {
                X = GpuRuntime.View<TWord>(x),
                DY = GpuRuntime.View<TWord>(dy ?? x),
                Y = GpuRuntime.View<TWord>(y),
                Rows = x.Shape[0],
                Length = x.Shape[1],
            };
            long groups = RowTeams.Groups(a.Rows, TTeam.Size);
            if (dy is null && logarithm) runtime.Launch(Softmaxes.LogSoftmax<TTeam, TElement, TWord, TLane>, groups, a);
            else if (dy is null) runtime.Launch(Softmaxes.Softmax<TTeam, TElement, TWord, TLane>, groups, a);
            else if (logarithm) runtime.Launch(Softmaxes.LogSoftmaxGradient<TTeam, TElement, TWord, TLane>, groups, a);
            else runtime.Launch(Softmaxes.SoftmaxGradient<TTeam, TElement, TWord, TLane>, groups, a);
        }
    }

    readonly struct RowNormLaunch<TCentring>(GpuRuntime runtime, Tensor x, Tensor? gamma, Tensor? beta, float epsilon, Tensor y, Tensor mean, Tensor rstd) : IElementLaunch
        where TCentring : struct, ICentring
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            ArrayView<TWord> from = GpuRuntime.View<TWord>(x);
            RowNormArguments<TWord, TLane> a = new()
            {
                X = from,
                Y = GpuRuntime.View<TWord>(y),
                DY = from,
                Mean = GpuRuntime.View<TLane>(mean),
                Rstd = GpuRuntime.View<TLane>(rstd),
                Gamma = OptionalVector<TWord>.Of(gamma, from),
                Beta = OptionalVector<TWord>.Of(beta, from),
                Partials = GpuRuntime.View<TLane>(rstd),
                Rows = x.Shape[0],
                Length = x.Shape[1],
                Epsilon = epsilon,
            };
            int threads = RowTeams.SizeFor(a.Rows, a.Length);
            long groups = RowTeams.Groups(a.Rows, threads);
            if (threads == OneThread.Size) runtime.Launch(RowNorms.Forward<OneThread, TCentring, TElement, TWord, TLane>, groups, a);
            else if (threads == ThirtyTwoThreads.Size) runtime.Launch(RowNorms.Forward<ThirtyTwoThreads, TCentring, TElement, TWord, TLane>, groups, a);
            else runtime.Launch(RowNorms.Forward<WholeGroup, TCentring, TElement, TWord, TLane>, groups, a);
        }
    }

    readonly struct RowNormGradientLaunch<TCentring>(
        GpuBackend backend, Tensor dy, Tensor x, Tensor? gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor? dgamma, Tensor? dbeta) : IElementLaunch
        where TCentring : struct, ICentring
    {
        // Threads that fill a large device, and the fewest rows that are worth a partial sum.
        const int EnoughThreads = 64 * 1024, FewestRows = 16;

        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            ArrayView<TWord> from = GpuRuntime.View<TWord>(x);
            RowNormArguments<TWord, TLane> a = new()
            {
                X = from,
                Y = GpuRuntime.View<TWord>(dx),
                DY = GpuRuntime.View<TWord>(dy),
                Mean = GpuRuntime.View<TLane>(mean),
                Rstd = GpuRuntime.View<TLane>(rstd),
                Gamma = OptionalVector<TWord>.Of(gamma, from),
                Beta = OptionalVector<TWord>.Of(null, from),
                Partials = GpuRuntime.View<TLane>(rstd),
                Rows = x.Shape[0],
                Length = x.Shape[1],
            };
            int threads = RowTeams.SizeFor(a.Rows, a.Length);
            long groups = RowTeams.Groups(a.Rows, threads);
            GpuRuntime runtime = backend.Runtime;
            if (threads == OneThread.Size) runtime.Launch(RowNorms.Gradient<OneThread, TCentring, TElement, TWord, TLane>, groups, a);
            else if (threads == ThirtyTwoThreads.Size) runtime.Launch(RowNorms.Gradient<ThirtyTwoThreads, TCentring, TElement, TWord, TLane>, groups, a);
            else runtime.Launch(RowNorms.Gradient<WholeGroup, TCentring, TElement, TWord, TLane>, groups, a);
            if (dgamma is not null || dbeta is not null) Parameters<TElement, TWord, TLane>(a);
        }

        void Parameters<TElement, TWord, TLane>(RowNormArguments<TWord, TLane> a)
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            int wanted = Math.Clamp(EnoughThreads / a.Length, 1, Math.Max(1, a.Rows / FewestRows));
            a.ChunkRows = (a.Rows + wanted - 1) / wanted;
            a.Chunks = (a.Rows + a.ChunkRows - 1) / a.ChunkRows;
            Tensor partials = rstd.EmptyLike([2, a.Chunks, a.Length]);
            a.Partials = GpuRuntime.View<TLane>(partials);
            backend.Runtime.LaunchItems(RowNorms.ParameterPartials<TCentring, TElement, TWord, TLane>, (long)a.Chunks * a.Length, a);
            if (dgamma is not null) backend.Reduce(default(Sum), partials.Slice(0, 0, 1), dgamma.Reshape(1, 1, a.Length));
            if (dbeta is not null) backend.Reduce(default(Sum), partials.Slice(0, 1, 2), dbeta.Reshape(1, 1, a.Length));
            partials.Release();
        }
    }
}
