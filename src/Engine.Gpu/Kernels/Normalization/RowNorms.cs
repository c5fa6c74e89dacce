using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// Arguments of <see cref="RowNorms"/>: y = (x - mean) rstd gamma + beta over dense rows [Rows, Length]. Layer norm (Ba et al. 2016)
/// centres; RMS norm (Zhang and Sennrich 2019) is the same formula with a mean of 0 and no beta.
/// </summary>
struct RowNormArguments<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged
{
    public ArrayView<TWord> X;

    /// <summary>y, or for a gradient dx.</summary>
    public ArrayView<TWord> Y;

    /// <summary>Only for a gradient.</summary>
    public ArrayView<TWord> DY;

    /// <summary>[Rows], not rounded to 16 bits; Mean is not used without centring.</summary>
    public ArrayView<TLane> Mean, Rstd;

    public OptionalVector<TWord> Gamma, Beta;

    /// <summary>Partial sums of dy u and of dy, [Chunks, Length] each, one behind the other.</summary>
    public ArrayView<TLane> Partials;

    public int Rows, Length;

    /// <summary>Rows of a chunk, and chunks.</summary>
    public int ChunkRows, Chunks;

    public float Epsilon;
}

/// <summary>Whether a norm subtracts the mean: a constant of the kernel.</summary>
interface ICentring
{
    static abstract bool Centres { get; }
}

/// <summary>Layer norm.</summary>
readonly struct Centred : ICentring
{
    public static bool Centres => true;
}

/// <summary>RMS norm.</summary>
readonly struct NotCentred : ICentring
{
    public static bool Centres => false;
}

/// <summary>Layer norm and RMS norm of rows, and their gradients.</summary>
static class RowNorms
{
    /// <summary>
    /// A team of threads reads its row twice or, with centring, three times (after the first from the cache): mean, mean square of
    /// the distances from it, result. E[x^2] - mean^2 would do with a time less and lose all digits where the mean is large.
    /// </summary>
    public static void Forward<TTeam, TCentring, TElement, TWord, TLane>(RowNormArguments<TWord, TLane> a)
        where TTeam : struct, IRowTeam
        where TCentring : struct, ICentring
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), first = (row < a.Rows ? row : a.Rows - 1) * a.Length;
        TLane zero = TLane.Of(0.0), one = TLane.Of(1.0), count = TLane.Of((float)a.Length), mean = zero, square = zero;
        if (TCentring.Centres)
        {
            for (int i = lane; i < a.Length; i += TTeam.Size) mean += TElement.Load(a.X[first + i]);
            mean = RowTeams.Fold<TTeam, Sum, TLane>(default, room, mean) / count;
        }

        for (int i = lane; i < a.Length; i += TTeam.Size)
        {
            TLane distance = TElement.Load(a.X[first + i]) - mean;
            square = TLane.MulAdd(distance, distance, square);
        }

        square = RowTeams.Fold<TTeam, Sum, TLane>(default, room, square) / count;
        TLane rstd = one / TLane.Sqrt(square + TLane.Of(a.Epsilon));
        if (row >= a.Rows) return;
        if (lane == 0)
        {
            if (TCentring.Centres) a.Mean[row] = mean;
            a.Rstd[row] = rstd;
        }

        for (int i = lane; i < a.Length; i += TTeam.Size)
        {
            TLane unit = (TElement.Load(a.X[first + i]) - mean) * rstd;
            TLane gamma = OptionalVector<TWord>.At<TElement, TLane>(a.Gamma, i, one), beta = OptionalVector<TWord>.At<TElement, TLane>(a.Beta, i, zero);
            a.Y[first + i] = TElement.Store(TLane.MulAdd(unit, gamma, beta));
        }
    }

    /// <summary>
    /// dx = rstd (g - mean(g) - u mean(g u)) with g = dy gamma and u = (x - mean) rstd; without centring the first mean is absent. A
    /// team of threads reads its rows of x and dy twice.
    /// </summary>
    public static void Gradient<TTeam, TCentring, TElement, TWord, TLane>(RowNormArguments<TWord, TLane> a)
        where TTeam : struct, IRowTeam
        where TCentring : struct, ICentring
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        ArrayView<TLane> room = SharedMemory.Allocate<TLane>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>(), read = row < a.Rows ? row : a.Rows - 1, first = read * a.Length;
        TLane zero = TLane.Of(0.0), one = TLane.Of(1.0), count = TLane.Of((float)a.Length), sum = zero, dot = zero;
        TLane mean = zero, rstd = a.Rstd[read];
        if (TCentring.Centres) mean = a.Mean[read];
        for (int i = lane; i < a.Length; i += TTeam.Size)
        {
            TLane g = TElement.Load(a.DY[first + i]) * OptionalVector<TWord>.At<TElement, TLane>(a.Gamma, i, one);
            if (TCentring.Centres) sum += g;
            dot = TLane.MulAdd(g, (TElement.Load(a.X[first + i]) - mean) * rstd, dot);
        }

        if (TCentring.Centres) sum = RowTeams.Fold<TTeam, Sum, TLane>(default, room, sum) / count;
        dot = RowTeams.Fold<TTeam, Sum, TLane>(default, room, dot) / count;
        if (row >= a.Rows) return;
        for (int i = lane; i < a.Length; i += TTeam.Size)
        {
            TLane g = TElement.Load(a.DY[first + i]) * OptionalVector<TWord>.At<TElement, TLane>(a.Gamma, i, one);
            TLane unit = (TElement.Load(a.X[first + i]) - mean) * rstd;
            a.Y[first + i] = TElement.Store((g - sum - unit * dot) * rstd);
        }
    }

    /// <summary>
    /// A chunk of rows' share of dgamma = sum(dy u) and dbeta = sum(dy). A thread walks down a column of a chunk; the chunks follow
    /// from the shape alone and are folded afterwards.
    /// </summary>
    public static void ParameterPartials<TCentring, TElement, TWord, TLane>(RowNormArguments<TWord, TLane> a)
        where TCentring : struct, ICentring
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int item = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX, items = a.Chunks * a.Length;
        if (item >= items) return;
        int chunk = item / a.Length, column = item - chunk * a.Length, end = (chunk + 1) * a.ChunkRows;
        if (end > a.Rows) end = a.Rows;
        TLane gamma = TLane.Of(0.0), beta = gamma, mean = gamma;
        for (int row = chunk * a.ChunkRows; row < end; row++)
        {
            if (TCentring.Centres) mean = a.Mean[row];
            TLane dy = TElement.Load(a.DY[row * a.Length + column]);
            gamma = TLane.MulAdd(dy, (TElement.Load(a.X[row * a.Length + column]) - mean) * a.Rstd[row], gamma);
            beta += dy;
        }

        a.Partials[item] = gamma;
        if (TCentring.Centres) a.Partials[items + item] = beta;
    }
}
