using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// The largest element so far and the sum of e^(x - largest), corrected as the largest grows (Milakov and Gimelshein 2018): a
/// softmax reads its row twice instead of three times. A NaN stays in the sum.
/// </summary>
struct OnlineSum<TLane> where TLane : unmanaged, ILane<TLane>
{
    public TLane Largest, Sum;

    /// <summary>
    /// The sum over a row of x, in every thread of it. Four elements of a thread are taken together: their loads are on their way at
    /// a time, and a sum is corrected once for four. All threads of the group must come here.
    /// </summary>
    public static OnlineSum<TLane> OverRow<TTeam, TElement, TWord>(ArrayView<TWord> x, int first, int length, ArrayView<TLane> room)
        where TTeam : struct, IRowTeam
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
    {
        TLane largest = TLane.Of(double.NegativeInfinity), sum = TLane.Of(0.0);
        for (int i = RowTeams.Lane<TTeam>(); i < length; i += 4 * TTeam.Size)
        {
            TLane a = Element<TElement, TWord>(x, first, i, length), b = Element<TElement, TWord>(x, first, i + TTeam.Size, length);
            TLane c = Element<TElement, TWord>(x, first, i + 2 * TTeam.Size, length), d = Element<TElement, TWord>(x, first, i + 3 * TTeam.Size, length);
            TLane before = largest;
            largest = Larger(Larger(Larger(a, b), Larger(c, d)), before);
            TLane shift = Finite(largest);
            sum = sum * TLane.Exp(before - shift) + ((TLane.Exp(a - shift) + TLane.Exp(b - shift)) + (TLane.Exp(c - shift) + TLane.Exp(d - shift)));
        }

        TLane total = RowTeams.Fold<TTeam, Max, TLane>(default, room, largest);
        return new() { Largest = total, Sum = RowTeams.Fold<TTeam, Sum, TLane>(default, room, sum * TLane.Exp(largest - Finite(total))) };
    }

    // What lies beyond the row counts nothing.
    static TLane Element<TElement, TWord>(ArrayView<TWord> x, int first, int i, int length)
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged => i < length ? TElement.Load(x[first + i]) : TLane.Of(double.NegativeInfinity);

    // A NaN on the left is passed over.
    static TLane Larger(TLane a, TLane b) => TLane.IfGreater(a, b, a, b);

    // Minus infinity less itself would be NaN where nothing has been seen but minus infinity.
    static TLane Finite(TLane largest) => TLane.IfGreater(largest, TLane.Of(double.NegativeInfinity), largest, TLane.Of(0.0));
}
