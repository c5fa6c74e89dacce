using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Sorting"/>.</summary>
struct SortArguments<TWord> where TWord : unmanaged
{
    /// <summary>Dense [Rows, Length].</summary>
    public ArrayView<TWord> X;

    /// <summary>Places in X's rows, [Rows, Padded]: Length of them and numbers beyond that, up to a power of two.</summary>
    public ArrayView<int> Order;

    /// <summary>The first of them and their elements, [Rows, Chosen].</summary>
    public ArrayView<TWord> Values;

    /// <inheritdoc cref="Values"/>
    public ArrayView<int> Places;

    public int Length, Padded, Chosen, Count;

    /// <summary>The length of the sequences that are merged, and how far the two places of a comparison lie apart.</summary>
    public int Merged, Distance;
}

/// <summary>
/// Rows put in order by a bitonic network (Batcher 1968): places are exchanged, elements stay. Equal ones keep their order, since
/// no two places are equal.
/// </summary>
static class Sorting
{
    /// <summary>Places in their first order.</summary>
    public static void Begin<TWord>(SortArguments<TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < a.Count) a.Order[i] = i % a.Padded;
    }

    /// <summary>One step of the network: a thread compares two places and exchanges them where they are in the wrong order.</summary>
    public static void Exchange<TOrder, TWord>(SortArguments<TWord> a)
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        int pair = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (pair >= a.Count) return;
        int half = a.Padded / 2, row = pair / half, within = pair - row * half;
        int low = within / a.Distance * 2 * a.Distance + within % a.Distance;
        bool forward = (low & a.Merged) == 0;
        int left = row * a.Padded + low, right = left + a.Distance;
        int first = a.Order[left], second = a.Order[right];
        if (Before<TOrder, TWord>(a, row, first, second) == forward) return;
        a.Order[left] = second;
        a.Order[right] = first;
    }

    /// <summary>The first of every row.</summary>
    public static void Take<TWord>(SortArguments<TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        int row = i / a.Chosen, place = a.Order[row * a.Padded + i - row * a.Chosen];
        a.Places[i] = place;
        a.Values[i] = a.X[row * a.Length + place];
    }

    // Places that do not exist come last, in their own order.
    static bool Before<TOrder, TWord>(SortArguments<TWord> a, int row, int first, int second)
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        if (first >= a.Length || second >= a.Length) return first < second;
        TWord left = a.X[row * a.Length + first], right = a.X[row * a.Length + second];
        return TOrder.Before(left, right) || (!TOrder.Before(right, left) && first < second);
    }
}
