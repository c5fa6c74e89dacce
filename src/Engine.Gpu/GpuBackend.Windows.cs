using Engine.Tensors;

namespace Engine.Gpu;

/// <content>Windows of images.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Unfold(Tensor x, WindowOptions options, Tensor y)
    {
        ElementTypes.Run(x.DType, new WindowLaunch(Runtime, false, x, options, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Fold(Tensor x, WindowOptions options, Tensor y)
    {
        Tensor columns = x.Contiguous();
        ElementTypes.Run(x.DType, new WindowLaunch(Runtime, true, y, options, columns));
        if (columns != x) columns.Release();
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    readonly struct WindowLaunch(GpuRuntime runtime, bool fold, Tensor image, WindowOptions options, Tensor columns) : IElementLaunch
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            WindowArguments<TWord> a = new()
            {
                Images = GpuRuntime.View<TWord>(image),
                Columns = GpuRuntime.View<TWord>(columns),
                Height = image.Shape[2],
                Width = image.Shape[3],
                KernelHeight = options.KernelHeight,
                KernelWidth = options.KernelWidth,
                Stride = options.Stride,
                Padding = options.Padding,
                Dilation = options.Dilation,
                Rows = options.OutputHeight(image.Shape[2]),
                Places = options.OutputWidth(image.Shape[3]),
                PaddingValue = options.PaddingValue,
                Count = checked((int)(fold ? image : columns).ElementCount),
            };
            if (fold) runtime.LaunchItems(Windows.Fold<TElement, TWord, TLane>, a.Count, a);
            else runtime.LaunchItems(Windows.Unfold<TElement, TWord, TLane>, a.Count, a);
        }
    }
}
