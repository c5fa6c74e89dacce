using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Optimizer steps over the parameter arena.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void ArenaUpdate<TRule>(TRule rule, ArenaStep step)
    {
        ElementTypes.Run(step.Weights.DType, new ArenaUpdateLaunch<TRule>(Runtime, Runtime.IsProcessor, rule, step));
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaFold(ArenaStep step)
    {
        int segments = step.Segments.Shape[0];
        ArrayView<float> scales = GpuRuntime.View<float>(step.Scales!);
        Runtime.Launch(ArenaKernels.FoldSegments, segments, new ArenaFoldArguments
        {
            Segments = GpuRuntime.View<int>(step.Segments),
            Scalars = GpuRuntime.View<float>(step.Scalars),
            Partials = GpuRuntime.View<float>(step.Partials!),
            Scales = scales,
            Trace = step.Trace is { } ring ? GpuRuntime.View<float>(ring) : scales,
            HasTrace = step.Trace is null ? 0 : 1,
            TraceStart = step.TraceStart,
        });
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaProject(ArenaStep step)
    {
        ElementTypes.Run(step.Weights.DType, new ArenaProjectLaunch(Runtime, step));
        GC.KeepAlive(step);
    }

    readonly struct ArenaUpdateLaunch<TRule>(GpuRuntime runtime, bool isProcessor, TRule rule, ArenaStep step) : IElementLaunch where TRule : struct, IUpdateRule
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            ArrayView<TWord> weights = GpuRuntime.View<TWord>(step.Weights);
            ArrayView<float> scalars = GpuRuntime.View<float>(step.Scalars);
            ArenaUpdateArguments<TRule, TWord> arguments = new()
            {
                Rule = rule,
                Arrays = new()
                {
                    Weights = weights,
                    Gradients = GpuRuntime.View<TWord>(step.Gradients),
                    Anchors = step.Anchors is { } anchors ? GpuRuntime.View<TWord>(anchors) : weights,
                    First = step.First is { } first ? GpuRuntime.View<TWord>(first) : weights,
                    Second = step.Second is { } second ? GpuRuntime.View<TWord>(second) : weights,
                    Third = step.Third is { } third ? GpuRuntime.View<TWord>(third) : weights,
                },
                Chunks = GpuRuntime.View<int>(step.Chunks),
                Scalars = scalars,
                Partials = step.Partials is { } partials ? GpuRuntime.View<float>(partials) : scalars,
                HasAnchors = step.Anchors is null ? 0 : 1,
                Measures = step.Partials is null ? 0 : 1,
            };
            int chunks = step.Chunks.Shape[0];
            if (!isProcessor && arguments is ArenaUpdateArguments<TRule, float> single && step.Weights.DType == DType.Float32)
                runtime.Launch(ArenaKernels.UpdateWide<TRule>, chunks, single);
            else if (arguments.Measures == 0)
                runtime.Launch(ArenaKernels.Apply<TRule, TElement, TWord, TLane>, (long)chunks * ArenaKernels.GroupsPerChunk, arguments);
            else
                runtime.Launch(ArenaKernels.Update<TRule, TElement, TWord, TLane>, chunks, arguments);
        }
    }

    readonly struct ArenaProjectLaunch(GpuRuntime runtime, ArenaStep step) : IElementLaunch
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane> =>
            runtime.Launch(ArenaKernels.Project<TElement, TWord, TLane>, (long)step.Chunks.Shape[0] * ArenaKernels.GroupsPerChunk, new ArenaProjectArguments<TWord>
            {
                Weights = GpuRuntime.View<TWord>(step.Weights),
                Anchors = GpuRuntime.View<TWord>(step.Anchors!),
                Chunks = GpuRuntime.View<int>(step.Chunks),
                Scales = GpuRuntime.View<float>(step.Scales!),
            });
    }
}
