using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Methods that measure and scale the arena row by row.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void ArenaMeasure<TMeasure>(TMeasure measure, ArenaStep step)
    {
        ElementTypes.Run(step.Weights.DType, new ArenaMeasureLaunch<TMeasure>(Runtime, measure, step));
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaDecide<TDecision>(TDecision decision, ArenaStep step)
    {
        ArenaRows rows = step.Rows!;
        ArrayView<float> scales = GpuRuntime.View<float>(rows.Scales);
        Runtime.Launch(ArenaRowKernels.Decide<TDecision>, step.Segments.Shape[0], new ArenaDecideArguments<TDecision>
        {
            Decision = decision,
            Table = GpuRuntime.View<int>(rows.Table),
            Segments = GpuRuntime.View<int>(rows.Segments),
            Sums = GpuRuntime.View<float>(rows.Sums),
            Scalars = GpuRuntime.View<float>(step.Scalars),
            Memory = GpuRuntime.View<float>(rows.Memory),
            Kept = GpuRuntime.View<float>(rows.Kept),
            Scales = scales,
            Trace = step.Trace is { } ring ? GpuRuntime.View<float>(ring) : scales,
            HasTrace = step.Trace is null ? 0 : 1,
            TraceStart = step.TraceStart,
        });
        GC.KeepAlive(step);
    }

    /// <inheritdoc/>
    public override void ArenaApply<TRule>(TRule rule, ArenaStep step)
    {
        ElementTypes.Run(step.Weights.DType, new ArenaApplyLaunch<TRule>(Runtime, rule, step));
        GC.KeepAlive(step);
    }

    static ArenaArrays<TWord> ArraysOf<TWord>(ArenaStep step) where TWord : unmanaged
    {
        ArrayView<TWord> weights = GpuRuntime.View<TWord>(step.Weights);
        return new()
        {
            Weights = weights,
            Gradients = GpuRuntime.View<TWord>(step.Gradients),
            Anchors = step.Anchors is { } anchors ? GpuRuntime.View<TWord>(anchors) : weights,
            First = step.First is { } first ? GpuRuntime.View<TWord>(first) : weights,
            Second = step.Second is { } second ? GpuRuntime.View<TWord>(second) : weights,
            Third = step.Third is { } third ? GpuRuntime.View<TWord>(third) : weights,
        };
    }

    readonly struct ArenaMeasureLaunch<TMeasure>(GpuRuntime runtime, TMeasure measure, ArenaStep step) : IElementLaunch where TMeasure : struct, IArenaMeasure
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane> =>
            runtime.Launch(ArenaRowKernels.Measure<TMeasure, TElement, TWord, TLane>, step.Rows!.Pieces.Shape[0], new ArenaMeasureArguments<TMeasure, TWord>
            {
                Measure = measure,
                Arrays = ArraysOf<TWord>(step),
                Pieces = GpuRuntime.View<int>(step.Rows.Pieces),
                Sums = GpuRuntime.View<float>(step.Rows.Sums),
                HasAnchors = step.Anchors is null ? 0 : 1,
            });
    }

    readonly struct ArenaApplyLaunch<TRule>(GpuRuntime runtime, TRule rule, ArenaStep step) : IElementLaunch where TRule : struct, IUpdateRule
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane> =>
            runtime.Launch(ArenaRowKernels.ApplyRows<TRule, TElement, TWord, TLane>, (long)step.Chunks.Shape[0] * ArenaKernels.GroupsPerChunk, new ArenaApplyArguments<TRule, TWord>
            {
                Rule = rule,
                Arrays = ArraysOf<TWord>(step),
                Chunks = GpuRuntime.View<int>(step.Chunks),
                Segments = GpuRuntime.View<int>(step.Rows!.Segments),
                Scalars = GpuRuntime.View<float>(step.Scalars),
                Scales = GpuRuntime.View<float>(step.Rows.Scales),
                HasAnchors = step.Anchors is null ? 0 : 1,
            });
    }
}
