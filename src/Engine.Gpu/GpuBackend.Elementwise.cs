using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Formulas, element by element.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor x, Tensor y)
    {
        ElementTypes.Run(y.DType, new UnaryLaunch<TOp>(Runtime, op, x, y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor y)
    {
        ElementTypes.Run(y.DType, new BinaryLaunch<TOp>(Runtime, op, a, b, y));
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, Tensor a, Tensor b, Tensor c, Tensor y)
    {
        ElementTypes.Run(y.DType, new TernaryLaunch<TOp>(Runtime, op, a, b, c, y));
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
        GC.KeepAlive(y);
    }

    // All operands one after another, or one number: then a place is an index.
    static bool IsFlat(StridedWalk walk, int operands)
    {
        if (walk.Rank == 0) return true;
        if (walk.Rank > 1 || walk.Stride(0, 0) != 1) return false;
        for (int operand = 1; operand < operands; operand++)
            if (walk.Stride(operand, 0) is not (0 or 1)) return false;
        return true;
    }

    readonly struct UnaryLaunch<TOp>(GpuRuntime runtime, TOp op, Tensor x, Tensor y) : IElementLaunch where TOp : struct, IUnary
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            StridedWalk walk = StridedWalk.Over(y, x);
            (ArrayView<TWord> from, int fromOrigin) = GpuRuntime.Reach<TWord>(x);
            (ArrayView<TWord> to, int toOrigin) = GpuRuntime.Reach<TWord>(y);
            UnaryArguments<TOp, TWord> arguments = new()
            {
                Op = op,
                X = from,
                Y = to,
                Axes = Axes.Of(walk, typeof(TOp).Name),
                XSteps = Steps.Of(walk, 1, fromOrigin),
                YSteps = Steps.Of(walk, 0, toOrigin),
                Count = checked((int)walk.Count),
            };
            if (IsFlat(walk, 2)) runtime.LaunchItems(Maps.Dense<TOp, TElement, TWord, TLane>, walk.Count, arguments);
            else runtime.LaunchItems(Maps.Strided<TOp, TElement, TWord, TLane>, walk.Count, arguments);
        }
    }

    readonly struct BinaryLaunch<TOp>(GpuRuntime runtime, TOp op, Tensor a, Tensor b, Tensor y) : IElementLaunch where TOp : struct, IBinary
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            StridedWalk walk = StridedWalk.Over(y, a, b);
            (ArrayView<TWord> left, int leftOrigin) = GpuRuntime.Reach<TWord>(a);
            (ArrayView<TWord> right, int rightOrigin) = GpuRuntime.Reach<TWord>(b);
            (ArrayView<TWord> to, int toOrigin) = GpuRuntime.Reach<TWord>(y);
            BinaryArguments<TOp, TWord> arguments = new()
            {
                Op = op,
                A = left,
                B = right,
                Y = to,
                Axes = Axes.Of(walk, typeof(TOp).Name),
                ASteps = Steps.Of(walk, 1, leftOrigin),
                BSteps = Steps.Of(walk, 2, rightOrigin),
                YSteps = Steps.Of(walk, 0, toOrigin),
                Count = checked((int)walk.Count),
            };
            if (IsFlat(walk, 3)) runtime.LaunchItems(Maps.DenseBinary<TOp, TElement, TWord, TLane>, walk.Count, arguments);
            else runtime.LaunchItems(Maps.StridedBinary<TOp, TElement, TWord, TLane>, walk.Count, arguments);
        }
    }

    readonly struct TernaryLaunch<TOp>(GpuRuntime runtime, TOp op, Tensor a, Tensor b, Tensor c, Tensor y) : IElementLaunch where TOp : struct, ITernary
    {
        public void Run<TElement, TWord, TLane>()
            where TElement : struct, IGpuElement<TWord, TLane>
            where TWord : unmanaged
            where TLane : unmanaged, ILane<TLane>
        {
            StridedWalk walk = StridedWalk.Over(y, a, b, c);
            (ArrayView<TWord> first, int firstOrigin) = GpuRuntime.Reach<TWord>(a);
            (ArrayView<TWord> second, int secondOrigin) = GpuRuntime.Reach<TWord>(b);
            (ArrayView<TWord> third, int thirdOrigin) = GpuRuntime.Reach<TWord>(c);
            (ArrayView<TWord> to, int toOrigin) = GpuRuntime.Reach<TWord>(y);
            TernaryArguments<TOp, TWord> arguments = new()
            {
                Op = op,
                A = first,
                B = second,
                C = third,
                Y = to,
                Axes = Axes.Of(walk, typeof(TOp).Name),
                ASteps = Steps.Of(walk, 1, firstOrigin),
                BSteps = Steps.Of(walk, 2, secondOrigin),
                CSteps = Steps.Of(walk, 3, thirdOrigin),
                YSteps = Steps.Of(walk, 0, toOrigin),
                Count = checked((int)walk.Count),
            };
            if (IsFlat(walk, 4)) runtime.LaunchItems(Maps.DenseTernary<TOp, TElement, TWord, TLane>, walk.Count, arguments);
            else runtime.LaunchItems(Maps.StridedTernary<TOp, TElement, TWord, TLane>, walk.Count, arguments);
        }
    }
}
