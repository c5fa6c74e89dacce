using Engine.Tensors;

namespace Engine.Gpu;

/// <content>Random numbers.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Uniform(Philox random, ulong offset, Tensor y)
    {
        ElementTypes.Run(y.DType, new DrawLaunch<UniformDraw>(Runtime, random, offset, y));
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Normal(Philox random, ulong offset, Tensor y)
    {
        ElementTypes.Run(y.DType, new DrawLaunch<NormalDraw>(Runtime, random, offset, y));
        GC.KeepAlive(y);
    }

    readonly struct DrawLaunch<TDraw>(GpuRuntime runtime, Philox random, ulong offset, Tensor y) : IElementLaunch where TDraw : struct, IDraw
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane> =>
            runtime.LaunchItems(Draws.Fill<TDraw, TElement, TWord, TLane>, (y.ElementCount + 3) / 4, new DrawArguments<TWord>
            {
                Seed = random.Seed,
                Stream = random.Stream,
                Offset = offset,
                Y = GpuRuntime.View<TWord>(y),
                Count = checked((int)y.ElementCount),
            });
    }
}
