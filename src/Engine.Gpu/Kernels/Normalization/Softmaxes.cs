using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Softmaxes"/>: dense rows [Rows, Length].</summary>
struct SoftmaxArguments<TWord> where TWord : unmanaged
{
    /// <summary>x, or for a gradient y.</summary>
    public ArrayView<TWord> X;

    /// <summary>Only for a gradient.</summary>
    public ArrayView<TWord> DY;

    /// <summary>y, or dx.</summary>
    public ArrayView<TWord> Y;

    public int Rows, Length;
}

/// <summary>Softmax of rows, its logarithm, and their gradients. A team of threads reads its row twice and writes it once.</summary>
static class Softmaxes
{
    /// <summary>y = e^(x - largest) / sum.</summary>
    public static void Softmax<TTeam, TElement, TWord, TLane>(SoftmaxArguments<TWord> a)
        where TTeam : struct, IRowTeam
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), first = Begin(a, row);
        OnlineSum<TLane> sum = OnlineSum<TLane>.OverRow<TTeam, TElement, TWord>(a.X, first, a.Length, room);
        if (row >= a.Rows) return;
        TLane scale = TLane.Of(1.0) / sum.Sum;
        for (int i = lane; i < a.Length; i += TTeam.Size) a.Y[first + i] = TElement.Store(TLane.Exp(TElement.Load(a.X[first + i]) - sum.Largest) * scale);
    }

    /// <summary>y = (x - largest) - log sum: first the distance to the largest, which is exact where it matters.</summary>
    public static void LogSoftmax<TTeam, TElement, TWord, TLane>(SoftmaxArguments<TWord> a)
        where TTeam : struct, IRowTeam
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), first = Begin(a, row);
        OnlineSum<TLane> sum = OnlineSum<TLane>.OverRow<TTeam, TElement, TWord>(a.X, first, a.Length, room);
        if (row >= a.Rows) return;
        TLane log = TLane.Log(sum.Sum);
        for (int i = lane; i < a.Length; i += TTeam.Size) a.Y[first + i] = TElement.Store(TElement.Load(a.X[first + i]) - sum.Largest - log);
    }

    /// <summary>dx = y (dy - sum(dy y)).</summary>
    public static void SoftmaxGradient<TTeam, TElement, TWord, TLane>(SoftmaxArguments<TWord> a)
        where TTeam : struct, IRowTeam
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), first = Begin(a, row);
        TLane dot = TLane.Of(0.0);
        for (int i = lane; i < a.Length; i += TTeam.Size) dot = TLane.MulAdd(TElement.Load(a.X[first + i]), TElement.Load(a.DY[first + i]), dot);
        dot = RowTeams.Fold<TTeam, Sum, TLane>(default, room, dot);
        if (row >= a.Rows) return;
        for (int i = lane; i < a.Length; i += TTeam.Size)
            a.Y[first + i] = TElement.Store(TElement.Load(a.X[first + i]) * (TElement.Load(a.DY[first + i]) - dot));
    }

    /// <summary>dx = dy - e^y sum(dy).</summary>
    public static void LogSoftmaxGradient<TTeam, TElement, TWord, TLane>(SoftmaxArguments<TWord> a)
        where TTeam : struct, IRowTeam
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), first = Begin(a, row);
        TLane sum = TLane.Of(0.0);
        for (int i = lane; i < a.Length; i += TTeam.Size) sum += TElement.Load(a.DY[first + i]);
        sum = RowTeams.Fold<TTeam, Sum, TLane>(default, room, sum);
        if (row >= a.Rows) return;
        for (int i = lane; i < a.Length; i += TTeam.Size)
            a.Y[first + i] = TElement.Store(TElement.Load(a.DY[first + i]) - TLane.Exp(TElement.Load(a.X[first + i])) * sum);
    }

    // Threads without a row read the last one: they must come to the barriers.
    static int Begin<TWord>(SoftmaxArguments<TWord> a, int row) where TWord : unmanaged => (row < a.Rows ? row : a.Rows - 1) * a.Length;
}
