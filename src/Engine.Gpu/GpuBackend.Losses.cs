using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Losses.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void CrossEntropy(Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp)
    {
        ElementTypes.Run(logits.DType, new CrossEntropyLaunch(Runtime, logits, targets, classWeights, options, losses, weights, logSumExp));
        KeepAlive(logits, targets, classWeights, losses, weights, logSumExp);
    }

    /// <inheritdoc/>
    public override void CrossEntropyGradient(Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits)
    {
        ElementTypes.Run(logits.DType, new CrossEntropyGradientLaunch(this, rowScale, logits, targets, classWeights, options, logSumExp, dlogits));
        KeepAlive(rowScale, logits, targets, classWeights, logSumExp, dlogits);
    }

    readonly struct CrossEntropyLaunch(
        GpuRuntime runtime, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor losses, Tensor weights, Tensor logSumExp) : IElementLaunch
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            CrossEntropyArguments<TWord> a = Arguments<TWord>(runtime, logits, targets, classWeights, options, logSumExp);
            a.Losses = GpuRuntime.View<TWord>(losses);
            a.Weights = GpuRuntime.View<TWord>(weights);
            int threads = RowTeams.SizeFor(a.Rows, a.Classes);
            long groups = RowTeams.Groups(a.Rows, threads);
            if (threads == OneThread.Size) runtime.Launch(CrossEntropies.Losses<OneThread, TElement, TWord, TLane>, groups, a);
            else if (threads == ThirtyTwoThreads.Size) runtime.Launch(CrossEntropies.Losses<ThirtyTwoThreads, TElement, TWord, TLane>, groups, a);
            else runtime.Launch(CrossEntropies.Losses<WholeGroup, TElement, TWord, TLane>, groups, a);
        }
    }

    readonly struct CrossEntropyGradientLaunch(
        GpuBackend backend, Tensor rowScale, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp, Tensor dlogits) : IElementLaunch
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            CrossEntropyArguments<TWord> a = Arguments<TWord>(backend.Runtime, logits, targets, classWeights, options, logSumExp);
            (a.RowScale, a.RowScaleOrigin) = GpuRuntime.Reach<TWord>(rowScale);
            a.RowScaleStep = rowScale.Strides[0];
            a.Gradient = GpuRuntime.View<TWord>(dlogits);
            Tensor? total = null;
            if (classWeights is not null && options.LabelSmoothing > 0)
            {
                backend.Reduce(default(Sum), classWeights, total = classWeights.EmptyLike([1]));
                a.TotalClassWeight = GpuRuntime.View<TWord>(total);
            }

            backend.Runtime.LaunchItems(CrossEntropies.Gradients<TElement, TWord, TLane>, dlogits.ElementCount, a);
            total?.Release();
        }
    }

    static CrossEntropyArguments<TWord> Arguments<TWord>(
        GpuRuntime runtime, Tensor logits, Tensor targets, Tensor? classWeights, CrossEntropyOptions options, Tensor logSumExp) where TWord : unmanaged
    {
        ArrayView<TWord> from = GpuRuntime.View<TWord>(logits);
        (ArrayView<int> labels, int origin) = GpuRuntime.Reach<int>(targets);
        return new()
        {
            Logits = from,
            Targets = labels,
            TargetOrigin = origin,
            TargetStep = targets.Strides[0],
            ClassWeights = OptionalVector<TWord>.Of(classWeights, from),
            Losses = from,
            Weights = from,
            LogSumExp = GpuRuntime.View<TWord>(logSumExp),
            RowScale = from,
            TotalClassWeight = from,
            Gradient = from,
            Rows = logits.Shape[0],
            Classes = logits.Shape[1],
            Ignored = options.IgnoreIndex,
            Smoothing = options.LabelSmoothing,
            Faults = runtime.Faults.For("CrossEntropy"),
        };
    }
}
