using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>How two words compare, as a formula.</summary>
interface IWordComparer<TWord> where TWord : unmanaged
{
    static abstract bool Less(TWord a, TWord b);

    static abstract bool Equal(TWord a, TWord b);
}

readonly struct SingleComparer : IWordComparer<float>
{
    public static bool Less(float a, float b) => a < b;
    public static bool Equal(float a, float b) => a == b;
}

readonly struct DoubleComparer : IWordComparer<double>
{
    public static bool Less(double a, double b) => a < b;
    public static bool Equal(double a, double b) => a == b;
}

readonly struct BrainComparer : IWordComparer<ushort>
{
    public static bool Less(ushort a, ushort b) => NarrowFloats.FromBrain(a) < NarrowFloats.FromBrain(b);
    public static bool Equal(ushort a, ushort b) => NarrowFloats.FromBrain(a) == NarrowFloats.FromBrain(b);
}

readonly struct HalfComparer : IWordComparer<ushort>
{
    public static bool Less(ushort a, ushort b) => NarrowFloats.FromHalf(a) < NarrowFloats.FromHalf(b);
    public static bool Equal(ushort a, ushort b) => NarrowFloats.FromHalf(a) == NarrowFloats.FromHalf(b);
}

readonly struct LongComparer : IWordComparer<long>
{
    public static bool Less(long a, long b) => a < b;
    public static bool Equal(long a, long b) => a == b;
}

readonly struct IntComparer : IWordComparer<int>
{
    public static bool Less(int a, int b) => a < b;
    public static bool Equal(int a, int b) => a == b;
}

readonly struct ByteComparer : IWordComparer<byte>
{
    public static bool Less(byte a, byte b) => a < b;
    public static bool Equal(byte a, byte b) => a == b;
}

/// <summary>Arguments of <see cref="Choices.Compare"/>.</summary>
struct CompareArguments<TWord> where TWord : unmanaged
{
    public Comparison Comparison;
    public ArrayView<TWord> A, B;
    public ArrayView<byte> Y;
    public Axes Axes;
    public Steps ASteps, BSteps, YSteps;
    public int Count;
}

/// <summary>Arguments of <see cref="Choices.Select"/>.</summary>
struct SelectArguments<TWord> where TWord : unmanaged
{
    public ArrayView<byte> Condition;
    public ArrayView<TWord> A, B, Y;
    public Axes Axes;
    public Steps ConditionSteps, ASteps, BSteps, YSteps;
    public int Count;
}

/// <summary>Comparisons and choices by them. A thread decides one element.</summary>
static class Choices
{
    public static void Compare<TComparer, TWord>(CompareArguments<TWord> a)
        where TComparer : struct, IWordComparer<TWord>
        where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        TWord left = a.A[Steps.At(a.ASteps, at)], right = a.B[Steps.At(a.BSteps, at)];
        bool less = TComparer.Less(left, right), equal = TComparer.Equal(left, right);
        bool holds = (a.Comparison != Comparison.Equal && less) || (a.Comparison != Comparison.Less && equal);
        a.Y[Steps.At(a.YSteps, at)] = (byte)(holds ? 1 : 0);
    }

    public static void Select<TWord>(SelectArguments<TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        TWord then = a.A[Steps.At(a.ASteps, at)], otherwise = a.B[Steps.At(a.BSteps, at)];
        a.Y[Steps.At(a.YSteps, at)] = a.Condition[Steps.At(a.ConditionSteps, at)] != 0 ? then : otherwise;
    }
}
