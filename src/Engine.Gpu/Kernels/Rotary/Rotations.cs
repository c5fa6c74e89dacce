using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Rotations"/>: a walk over the first halves of X and Y and the tables, all [B, H, N, D / 2].</summary>
struct RotationArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> X, Y, Cosine, Sine;
    public Axes Axes;

    /// <summary>The tables share theirs.</summary>
    public Steps XSteps, YSteps, TableSteps;

    /// <summary>From an element of the first half to its partner in the second.</summary>
    public int XHalf, YHalf;

    /// <summary>1, or -1 for the inverse.</summary>
    public float Direction;

    public int Count;
}

/// <summary>Rotate-half rotary embedding (Su et al. 2021): y1 = x1 cos - x2 sin, y2 = x2 cos + x1 sin. A thread turns one pair.</summary>
static class Rotations
{
    public static void Rotate<TElement, TWord, TLane>(RotationArguments<TWord> a)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        int x = Steps.At(a.XSteps, at), y = Steps.At(a.YSteps, at), table = Steps.At(a.TableSteps, at);
        TLane first = TElement.Load(a.X[x]), second = TElement.Load(a.X[x + a.XHalf]);
        TLane cosine = TElement.Load(a.Cosine[table]), sine = TElement.Load(a.Sine[table]) * TLane.Of(a.Direction);
        a.Y[y] = TElement.Store(TLane.MulAdd(first, cosine, -(second * sine)));
        a.Y[y + a.YHalf] = TElement.Store(TLane.MulAdd(second, cosine, first * sine));
    }
}
