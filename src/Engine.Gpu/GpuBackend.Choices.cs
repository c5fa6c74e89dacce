using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Comparisons and choices.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Compare(Comparison comparison, Tensor a, Tensor b, Tensor y)
    {
        switch (a.DType)
        {
            case DType.Float32: Compare<SingleComparer, float>(comparison, a, b, y); break;
            case DType.Float64: Compare<DoubleComparer, double>(comparison, a, b, y); break;
            case DType.BFloat16: Compare<BrainComparer, ushort>(comparison, a, b, y); break;
            case DType.Float16: Compare<HalfComparer, ushort>(comparison, a, b, y); break;
            case DType.Int64: Compare<LongComparer, long>(comparison, a, b, y); break;
            case DType.Int32: Compare<IntComparer, int>(comparison, a, b, y); break;
            default: Compare<ByteComparer, byte>(comparison, a, b, y); break;
        }

        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }

    void Compare<TComparer, TWord>(Comparison comparison, Tensor a, Tensor b, Tensor y)
        where TComparer : struct, IWordComparer<TWord>
        where TWord : unmanaged
    {
        StridedWalk walk = StridedWalk.Over(y, a, b);
        (ArrayView<TWord> left, int leftOrigin) = GpuRuntime.Reach<TWord>(a);
        (ArrayView<TWord> right, int rightOrigin) = GpuRuntime.Reach<TWord>(b);
        (ArrayView<byte> to, int toOrigin) = GpuRuntime.Reach<byte>(y);
        Runtime.LaunchItems(Choices.Compare<TComparer, TWord>, walk.Count, new CompareArguments<TWord>
        {
            Comparison = comparison,
            A = left,
            B = right,
            Y = to,
            Axes = Axes.Of(walk, "Compare"),
            ASteps = Steps.Of(walk, 1, leftOrigin),
            BSteps = Steps.Of(walk, 2, rightOrigin),
            YSteps = Steps.Of(walk, 0, toOrigin),
            Count = checked((int)walk.Count),
        });
    }

    /// <inheritdoc/>
    public override void Select(Tensor condition, Tensor a, Tensor b, Tensor y)
    {
        ElementTypes.RunBits(y.DType, new SelectLaunch(Runtime, condition, a, b, y));
        GC.KeepAlive(condition);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }

    readonly struct SelectLaunch(GpuRuntime runtime, Tensor condition, Tensor a, Tensor b, Tensor y) : IBitsLaunch
    {
        public void Run<TWord>() where TWord : unmanaged
        {
            StridedWalk walk = StridedWalk.Over(y, condition, a, b);
            (ArrayView<byte> asked, int askedOrigin) = GpuRuntime.Reach<byte>(condition);
            (ArrayView<TWord> then, int thenOrigin) = GpuRuntime.Reach<TWord>(a);
            (ArrayView<TWord> otherwise, int otherwiseOrigin) = GpuRuntime.Reach<TWord>(b);
            (ArrayView<TWord> to, int toOrigin) = GpuRuntime.Reach<TWord>(y);
            runtime.LaunchItems(Choices.Select<TWord>, walk.Count, new SelectArguments<TWord>
            {
                Condition = asked,
                A = then,
                B = otherwise,
                Y = to,
                Axes = Axes.Of(walk, "Select"),
                ConditionSteps = Steps.Of(walk, 1, askedOrigin),
                ASteps = Steps.Of(walk, 2, thenOrigin),
                BSteps = Steps.Of(walk, 3, otherwiseOrigin),
                YSteps = Steps.Of(walk, 0, toOrigin),
                Count = checked((int)walk.Count),
            });
        }
    }
}
