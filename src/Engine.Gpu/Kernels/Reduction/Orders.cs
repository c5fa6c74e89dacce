namespace Engine.Gpu;

/// <summary>Which of two words comes first when a row is put in order. A NaN comes before everything.</summary>
interface IOrder<TWord> where TWord : unmanaged
{
    static abstract bool Before(TWord a, TWord b);
}

/// <summary>The largest first.</summary>
readonly struct Falling<TComparer, TWord> : IOrder<TWord>
    where TComparer : struct, IWordComparer<TWord>
    where TWord : unmanaged
{
    public static bool Before(TWord a, TWord b) => TComparer.Less(b, a) || (!TComparer.Equal(a, a) && TComparer.Equal(b, b));
}

/// <summary>The smallest first.</summary>
readonly struct Rising<TComparer, TWord> : IOrder<TWord>
    where TComparer : struct, IWordComparer<TWord>
    where TWord : unmanaged
{
    public static bool Before(TWord a, TWord b) => TComparer.Less(a, b) || (!TComparer.Equal(a, a) && TComparer.Equal(b, b));
}
