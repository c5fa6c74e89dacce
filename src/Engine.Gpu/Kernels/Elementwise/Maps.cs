using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Maps"/>: y = op(x).</summary>
struct UnaryArguments<TOp, TWord>
    where TOp : struct
    where TWord : unmanaged
{
    public TOp Op;
    public ArrayView<TWord> X, Y;
    public Axes Axes;
    public Steps XSteps, YSteps;
    public int Count;
}

/// <summary>Arguments of <see cref="Maps"/>: y = op(a, b). Where all are dense, AStep and BStep are 1, or 0 for a single number.</summary>
struct BinaryArguments<TOp, TWord>
    where TOp : struct
    where TWord : unmanaged
{
    public TOp Op;
    public ArrayView<TWord> A, B, Y;
    public Axes Axes;
    public Steps ASteps, BSteps, YSteps;
    public int Count;
}

/// <summary>Arguments of <see cref="Maps"/>: y = op(a, b, c).</summary>
struct TernaryArguments<TOp, TWord>
    where TOp : struct
    where TWord : unmanaged
{
    public TOp Op;
    public ArrayView<TWord> A, B, C, Y;
    public Axes Axes;
    public Steps ASteps, BSteps, CSteps, YSteps;
    public int Count;
}

/// <summary>
/// Formulas, element by element: the same structs that the CPU's vectors run. A thread computes one element; dense operands
/// are read at the thread's number (times a step of 0 for a single number), others where their strides say.
/// </summary>
static class Maps
{
    public static void Dense<TOp, TElement, TWord, TLane>(UnaryArguments<TOp, TWord> a)
        where TOp : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < a.Count) a.Y[i] = TElement.Store(a.Op.Apply(TElement.Load(a.X[i * a.XSteps.S0])));
    }

    public static void Strided<TOp, TElement, TWord, TLane>(UnaryArguments<TOp, TWord> a)
        where TOp : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        a.Y[Steps.At(a.YSteps, at)] = TElement.Store(a.Op.Apply(TElement.Load(a.X[Steps.At(a.XSteps, at)])));
    }

    public static void DenseBinary<TOp, TElement, TWord, TLane>(BinaryArguments<TOp, TWord> a)
        where TOp : struct, IBinary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < a.Count) a.Y[i] = TElement.Store(a.Op.Apply(TElement.Load(a.A[i * a.ASteps.S0]), TElement.Load(a.B[i * a.BSteps.S0])));
    }

    public static void StridedBinary<TOp, TElement, TWord, TLane>(BinaryArguments<TOp, TWord> a)
        where TOp : struct, IBinary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        TLane left = TElement.Load(a.A[Steps.At(a.ASteps, at)]), right = TElement.Load(a.B[Steps.At(a.BSteps, at)]);
        a.Y[Steps.At(a.YSteps, at)] = TElement.Store(a.Op.Apply(left, right));
    }

    public static void DenseTernary<TOp, TElement, TWord, TLane>(TernaryArguments<TOp, TWord> a)
        where TOp : struct, ITernary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        TLane first = TElement.Load(a.A[i * a.ASteps.S0]), second = TElement.Load(a.B[i * a.BSteps.S0]), third = TElement.Load(a.C[i * a.CSteps.S0]);
        a.Y[i] = TElement.Store(a.Op.Apply(first, second, third));
    }

    public static void StridedTernary<TOp, TElement, TWord, TLane>(TernaryArguments<TOp, TWord> a)
        where TOp : struct, ITernary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        TLane first = TElement.Load(a.A[Steps.At(a.ASteps, at)]), second = TElement.Load(a.B[Steps.At(a.BSteps, at)]), third = TElement.Load(a.C[Steps.At(a.CSteps, at)]);
        a.Y[Steps.At(a.YSteps, at)] = TElement.Store(a.Op.Apply(first, second, third));
    }
}
