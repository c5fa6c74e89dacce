using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Folds over axes.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Reduce<TOp>(TOp op, Tensor x, Tensor y)
    {
        if (x.DType.Size() == sizeof(ushort))
        {
            // Partial results of 16 bits would not be worth having.
            Tensor wide = x.To(DType.Float32), result = y.DType == DType.Float32 ? y : y.EmptyLike(y.Shape, DType.Float32);
            Reduce(op, wide, result);
            wide.Release();
            if (result == y) return;
            Copy(result, y);
            result.Release();
            return;
        }

        ElementTypes.Run(x.DType, new FoldLaunch<TOp>(Runtime, op, x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    readonly struct FoldLaunch<TOp>(GpuRuntime runtime, TOp op, Tensor x, Tensor y) : IElementLaunch where TOp : struct, IReduction
    {
        // Up to here a thread folds an output alone: what it reads lies in a line or two of the cache, or side by side with what
        // its neighbours read.
        const int FewElements = 16, FewRows = 64;

        // Groups that fill a large device, and the most and the smallest chunks of an output that are worth a second launch.
        const int EnoughGroups = 1024, MostChunks = 1024, FewestSteps = 8;

        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            Tensor keptPart = x, foldedPart = x;
            for (int axis = 0; axis < x.Rank; axis++)
            {
                if (y.Shape[axis] == x.Shape[axis]) foldedPart = foldedPart.Slice(axis, 0, 1);
                else keptPart = keptPart.Slice(axis, 0, 1);
            }

            StridedWalk kept = StridedWalk.Over(y, keptPart), folded = StridedWalk.Over(foldedPart);
            (ArrayView<TWord> from, int origin) = GpuRuntime.Reach<TWord>(x);
            Launch<TElement, TWord, TLane>(new()
            {
                Op = op,
                X = from,
                Kept = Axes.Of(kept, typeof(TOp).Name),
                Folded = Axes.Of(folded, typeof(TOp).Name),
                KeptSteps = Steps.Of(kept, 1, origin),
                FoldedSteps = Steps.Of(folded, 0, 0),
                Outputs = checked((int)kept.Count),
                Count = checked((int)folded.Count),
            });
        }

        void Launch<TElement, TWord, TLane>(FoldArguments<TOp, TWord> a)
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            a.Y = GpuRuntime.View<TWord>(y);
            bool columns = a.Outputs >= Folds.ColumnsAtOnce / 4 && Math.Abs(a.KeptSteps.S0) < Math.Abs(a.FoldedSteps.S0);
            if (a.Count <= (columns ? FewRows : FewElements))
            {
                runtime.LaunchItems(Folds.Each<TOp, TElement, TWord, TLane>, a.Outputs, a);
                return;
            }

            int threads = columns ? Folds.Slices : RowTeams.SizeFor(a.Outputs, a.Count);
            int blocks = (int)(columns ? (a.Outputs + Folds.ColumnsAtOnce - 1) / Folds.ColumnsAtOnce : RowTeams.Groups(a.Outputs, threads));
            int most = Math.Clamp(a.Count / (threads * Folds.Accumulators * FewestSteps), 1, MostChunks);
            int wanted = Math.Clamp((EnoughGroups + blocks - 1) / blocks, 1, most);
            a.ChunkLength = (a.Count + wanted - 1) / wanted;
            a.Chunks = (a.Count + a.ChunkLength - 1) / a.ChunkLength;
            (a.OutputStep, a.ChunkStep) = columns ? (1, a.Outputs) : (a.Chunks, 1);
            if (a.Chunks == 1)
            {
                Launch<TElement, TWord, TLane>(a, columns, threads, blocks);
                return;
            }

            Tensor partials = y.EmptyLike([checked(a.Outputs * a.Chunks)]);
            a.Y = GpuRuntime.View<TWord>(partials);
            Launch<TElement, TWord, TLane>(a, columns, threads, blocks);
            Launch<TElement, TWord, TLane>(new()
            {
                Op = op,
                X = a.Y,
                Kept = new() { Rank = 1, E0 = new(a.Outputs) },
                Folded = new() { Rank = 1, E0 = new(a.Chunks) },
                KeptSteps = new() { S0 = a.OutputStep },
                FoldedSteps = new() { S0 = a.ChunkStep },
                Outputs = a.Outputs,
                Count = a.Chunks,
                Partial = 1,
            });
            partials.Release();
        }

        void Launch<TElement, TWord, TLane>(in FoldArguments<TOp, TWord> a, bool columns, int threads, int blocks)
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            if (columns) runtime.Launch(Folds.Columns<TOp, TElement, TWord, TLane>, (long)blocks * a.Chunks, a);
            else if (threads == WholeGroup.Size) runtime.Launch(Folds.Lines<WholeGroup, TOp, TElement, TWord, TLane>, (long)a.Outputs * a.Chunks, a);
            else runtime.Launch(Folds.Lines<ThirtyTwoThreads, TOp, TElement, TWord, TLane>, RowTeams.Groups((long)a.Outputs * a.Chunks, threads), a);
        }
    }
}
