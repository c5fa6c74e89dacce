using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Rotary embedding.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Rotary(bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y)
    {
        ElementTypes.Run(x.DType, new RotationLaunch(Runtime, inverse, x, cosine, sine, y));
        KeepAlive(x, cosine, sine, y);
    }

    readonly struct RotationLaunch(GpuRuntime runtime, bool inverse, Tensor x, Tensor cosine, Tensor sine, Tensor y) : IElementLaunch
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            int half = x.Shape[3] / 2;
            Tensor first = x.Slice(3, 0, half);
            StridedWalk walk = StridedWalk.Over(y.Slice(3, 0, half), first, cosine.Expand(first.Shape));
            (ArrayView<TWord> from, int fromOrigin) = GpuRuntime.Reach<TWord>(x);
            (ArrayView<TWord> to, int toOrigin) = GpuRuntime.Reach<TWord>(y);
            runtime.LaunchItems(Rotations.Rotate<TElement, TWord, TLane>, walk.Count, new RotationArguments<TWord>
            {
                X = from,
                Y = to,
                Cosine = GpuRuntime.View<TWord>(cosine),
                Sine = GpuRuntime.View<TWord>(sine),
                Axes = Axes.Of(walk, "Rotary"),
                XSteps = Steps.Of(walk, 1, fromOrigin),
                YSteps = Steps.Of(walk, 0, toOrigin),
                TableSteps = Steps.Of(walk, 2, 0),
                XHalf = half * x.Strides[3],
                YHalf = half * y.Strides[3],
                Direction = inverse ? -1f : 1f,
                Count = checked((int)walk.Count),
            });
        }
    }
}
