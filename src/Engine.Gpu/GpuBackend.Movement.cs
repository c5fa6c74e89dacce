using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <content>Copies, conversions and constants.</content>
sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Fill(double value, Tensor y)
    {
        switch (y.DType)
        {
            case DType.Float32: Fill((float)value, y); break;
            case DType.Float64: Fill(value, y); break;
            case DType.BFloat16: Fill(BrainWord.From(value), y); break;
            case DType.Float16: Fill(BitConverter.HalfToUInt16Bits((System.Half)value), y); break;
            case DType.Int64: Fill(long.CreateSaturating(value), y); break;
            case DType.Int32: Fill(int.CreateSaturating(value), y); break;
            default: Fill((byte)(value != 0 ? 1 : 0), y); break;
        }

        GC.KeepAlive(y);
    }

    void Fill<TWord>(TWord word, Tensor y) where TWord : unmanaged
    {
        StridedWalk walk = StridedWalk.Over(y);
        (ArrayView<TWord> to, int origin) = GpuRuntime.Reach<TWord>(y);
        FillArguments<TWord> arguments = new()
        {
            Value = word,
            Y = to,
            Axes = Axes.Of(walk, "Fill"),
            YSteps = Steps.Of(walk, 0, origin),
            Count = checked((int)walk.Count),
        };
        if (IsFlat(walk, 1)) Runtime.LaunchItems(Copies.FillDense<TWord>, walk.Count, arguments);
        else Runtime.LaunchItems(Copies.Fill<TWord>, walk.Count, arguments);
    }

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y)
    {
        if (x.DType == y.DType) ElementTypes.RunBits(y.DType, new CopyLaunch(Runtime, x, y));
        else Convert(x, y);
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    static CopyArguments<TFrom, TTo> Arguments<TFrom, TTo>(StridedWalk walk, Tensor x, Tensor y)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        (ArrayView<TFrom> from, int fromOrigin) = GpuRuntime.Reach<TFrom>(x);
        (ArrayView<TTo> to, int toOrigin) = GpuRuntime.Reach<TTo>(y);
        return new()
        {
            X = from,
            Y = to,
            Axes = Axes.Of(walk, "Copy"),
            XSteps = Steps.Of(walk, 1, fromOrigin),
            YSteps = Steps.Of(walk, 0, toOrigin),
            Count = checked((int)walk.Count),
        };
    }

    readonly struct CopyLaunch(GpuRuntime runtime, Tensor x, Tensor y) : IBitsLaunch
    {
        // Both sides of a tile should be worth the detour through shared memory.
        const int WorthTiles = 16;

        public void Run<TWord>() where TWord : unmanaged
        {
            StridedWalk walk = StridedWalk.Over(y, x);
            CopyArguments<TWord, TWord> arguments = Arguments<TWord, TWord>(walk, x, y);
            if (IsFlat(walk, 2)) runtime.LaunchItems(Copies.Dense<TWord>, walk.Count, arguments);
            else if (TurnsInTiles(arguments)) runtime.Launch(Copies.Turned<TWord>, Tiles(walk, arguments.Axes), arguments);
            else runtime.LaunchItems(Copies.Strided<TWord>, walk.Count, arguments);
        }

        static bool TurnsInTiles<TWord>(in CopyArguments<TWord, TWord> a) where TWord : unmanaged =>
            a.Axes.Rank > 1 && a.YSteps.S0 == 1 && a.XSteps.S1 == 1 && a.Axes.E0.Count >= WorthTiles && a.Axes.E1.Count >= WorthTiles;

        static long Tiles(StridedWalk walk, in Axes axes) =>
            ((axes.E0.Count + 31) / 32) * (long)((axes.E1.Count + 31) / 32) * (walk.Count / ((long)axes.E0.Count * axes.E1.Count));
    }

    void Convert(Tensor x, Tensor y)
    {
        switch (x.DType)
        {
            case DType.Float32: ConvertFrom<SingleWord, float>(x, y); break;
            case DType.Float64: ConvertFrom<DoubleWord, double>(x, y); break;
            case DType.BFloat16: ConvertFrom<BrainWord, ushort>(x, y); break;
            case DType.Float16: ConvertFrom<HalfWord, ushort>(x, y); break;
            case DType.Int64: ConvertFrom<LongWord, long>(x, y); break;
            case DType.Int32: ConvertFrom<IntWord, int>(x, y); break;
            default: ConvertFrom<BoolWord, byte>(x, y); break;
        }
    }

    void ConvertFrom<TSource, TFrom>(Tensor x, Tensor y)
        where TSource : struct, IStoredWord<TFrom>
        where TFrom : unmanaged
    {
        switch (y.DType)
        {
            case DType.Float32: ConvertTo<TSource, SingleWord, TFrom, float>(x, y); break;
            case DType.Float64: ConvertTo<TSource, DoubleWord, TFrom, double>(x, y); break;
            case DType.BFloat16: ConvertTo<TSource, BrainWord, TFrom, ushort>(x, y); break;
            case DType.Float16: ConvertTo<TSource, HalfWord, TFrom, ushort>(x, y); break;
            case DType.Int64: ConvertTo<TSource, LongWord, TFrom, long>(x, y); break;
            case DType.Int32: ConvertTo<TSource, IntWord, TFrom, int>(x, y); break;
            default: ConvertTo<TSource, BoolWord, TFrom, byte>(x, y); break;
        }
    }

    void ConvertTo<TSource, TTarget, TFrom, TTo>(Tensor x, Tensor y)
        where TSource : struct, IStoredWord<TFrom>
        where TTarget : struct, IStoredWord<TTo>
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        StridedWalk walk = StridedWalk.Over(y, x);
        CopyArguments<TFrom, TTo> arguments = Arguments<TFrom, TTo>(walk, x, y);
        bool flat = IsFlat(walk, 2);
        if (x.DType == DType.Float64 || y.DType == DType.Float64) Convert<ThroughDouble<TSource, TTarget, TFrom, TTo>, TFrom, TTo>(arguments, flat);
        else if (x.DType.IsFloating()) Convert<ThroughSingle<TSource, TTarget, TFrom, TTo>, TFrom, TTo>(arguments, flat);
        else Convert<ThroughLong<TSource, TTarget, TFrom, TTo>, TFrom, TTo>(arguments, flat);
    }

    void Convert<TConversion, TFrom, TTo>(in CopyArguments<TFrom, TTo> arguments, bool flat)
        where TConversion : struct, IConversion<TFrom, TTo>
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        if (flat) Runtime.LaunchItems(Copies.ConvertDense<TConversion, TFrom, TTo>, arguments.Count, arguments);
        else Runtime.LaunchItems(Copies.Convert<TConversion, TFrom, TTo>, arguments.Count, arguments);
    }
}
