using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="RunningSums"/>: dense X and Y [Rows, Length].</summary>
struct RunningSumArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> X, Y;
    public int Rows, Length;
}

/// <summary>
/// A sum and what rounding has taken from it so far (Knuth's two-sum): as good as a sum in twice the digits, on devices that
/// have no such type.
/// </summary>
struct ExactSum<TLane> where TLane : unmanaged, ILane<TLane>
{
    public TLane High, Low;

    /// <summary>The sum with a number more.</summary>
    public static ExactSum<TLane> Add(ExactSum<TLane> sum, TLane value)
    {
        TLane high = sum.High + value, back = high - sum.High;
        TLane error = (sum.High - (high - back)) + (value - back);

        // At infinity, and for NaN, differences are NaN, and there is nothing left to correct.
        TLane infinity = TLane.Of(double.PositiveInfinity);
        return new() { High = high, Low = TLane.IfGreater(infinity, TLane.Abs(high), sum.Low + error, TLane.Of(0.0)) };
    }

    /// <summary>Two sums made one.</summary>
    public static ExactSum<TLane> Add(ExactSum<TLane> a, ExactSum<TLane> b)
    {
        ExactSum<TLane> both = Add(a, b.High);
        both.Low += b.Low;
        return both;
    }

    public readonly TLane Rounded => High + Low;
}

/// <summary>Running sums of rows, in twice the digits.</summary>
static class RunningSums
{
    /// <summary>A thread walks along a row: short rows.</summary>
    public static void Each<TElement, TWord, TLane>(RunningSumArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int row = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (row < a.Rows) Walk<TElement, TWord, TLane>(a, row * a.Length, (row + 1) * a.Length, Nothing<TLane>());
    }

    /// <summary>A group a row: each thread sums a stretch of it, and again from where the stretches before end.</summary>
    public static void Stretches<TElement, TWord, TLane>(RunningSumArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        const int Blocks = 16;
        ArrayView<ExactSum<TLane>> stretches = SharedMemory.Allocate<ExactSum<TLane>>(KernelLoader.GroupSize);
        ArrayView<ExactSum<TLane>> blocks = SharedMemory.Allocate<ExactSum<TLane>>(Blocks);
        int thread = Group.IdxX, length = (a.Length + KernelLoader.GroupSize - 1) / KernelLoader.GroupSize;
        int first = Grid.IdxX * a.Length, begin = thread * length, end = begin + length;
        if (begin > a.Length) begin = a.Length;
        if (end > a.Length) end = a.Length;
        ExactSum<TLane> sum = Nothing<TLane>();
        for (int i = begin; i < end; i++) sum = ExactSum<TLane>.Add(sum, TElement.Load(a.X[first + i]));
        stretches[thread] = sum;

        // Sixteen threads sum sixteen stretches each.
        Group.Barrier();
        if (thread < Blocks)
        {
            sum = stretches[thread * (KernelLoader.GroupSize / Blocks)];
            for (int i = 1; i < KernelLoader.GroupSize / Blocks; i++) sum = ExactSum<TLane>.Add(sum, stretches[thread * (KernelLoader.GroupSize / Blocks) + i]);
            blocks[thread] = sum;
        }

        // What lies before a thread's stretch: whole blocks, then the stretches of its own.
        Group.Barrier();
        sum = Nothing<TLane>();
        int block = thread / (KernelLoader.GroupSize / Blocks);
        for (int i = 0; i < block; i++) sum = ExactSum<TLane>.Add(sum, blocks[i]);
        for (int i = block * (KernelLoader.GroupSize / Blocks); i < thread; i++) sum = ExactSum<TLane>.Add(sum, stretches[i]);
        Walk<TElement, TWord, TLane>(a, first + begin, first + end, sum);
    }

    static void Walk<TElement, TWord, TLane>(RunningSumArguments<TWord> a, int begin, int end, ExactSum<TLane> sum)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        for (int i = begin; i < end; i++)
        {
            sum = ExactSum<TLane>.Add(sum, TElement.Load(a.X[i]));
            a.Y[i] = TElement.Store(sum.Rounded);
        }
    }

    static ExactSum<TLane> Nothing<TLane>() where TLane : unmanaged, ILane<TLane> => new() { High = TLane.Of(0.0), Low = TLane.Of(0.0) };
}
