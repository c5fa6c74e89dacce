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

    public static OnlineSum<TLane> Nothing() => new() { Largest = TLane.Of(double.NegativeInfinity), Sum = TLane.Of(0.0) };

    /// <summary>The sum with an element more.</summary>
    public static OnlineSum<TLane> Add(OnlineSum<TLane> sum, TLane x)
    {
        TLane largest = TLane.IfGreater(x, sum.Largest, x, sum.Largest), shift = Finite(largest);
        return new() { Largest = largest, Sum = sum.Sum * TLane.Exp(sum.Largest - shift) + TLane.Exp(x - shift) };
    }

    /// <summary>The sum over the whole row, in every thread of it, from the sums of its threads. All threads of the group must come here.</summary>
    public static OnlineSum<TLane> Fold<TTeam>(ArrayView<TLane> room, OnlineSum<TLane> mine) where TTeam : struct, IRowTeam
    {
        TLane largest = RowTeams.Fold<TTeam, Max, TLane>(default, room, mine.Largest);
        TLane sum = RowTeams.Fold<TTeam, Sum, TLane>(default, room, mine.Sum * TLane.Exp(mine.Largest - Finite(largest)));
        return new() { Largest = largest, Sum = sum };
    }

    // Minus infinity less itself would be NaN where nothing has been seen but minus infinity.
    static TLane Finite(TLane largest) => TLane.IfGreater(largest, TLane.Of(double.NegativeInfinity), largest, TLane.Of(0.0));
}
