using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Copies"/>.</summary>
struct CopyArguments<TFrom, TTo>
    where TFrom : unmanaged
    where TTo : unmanaged
{
    public ArrayView<TFrom> X;
    public ArrayView<TTo> Y;
    public Axes Axes;
    public Steps XSteps, YSteps;
    public int Count;
}

/// <summary>Arguments of <see cref="Copies.Fill"/>.</summary>
struct FillArguments<TWord> where TWord : unmanaged
{
    public TWord Value;
    public ArrayView<TWord> Y;
    public Axes Axes;
    public Steps YSteps;
    public int Count;
}

/// <summary>Elements moved, converted, and set. A thread moves one element.</summary>
static class Copies
{
    // A tile of 32 x 32, and a column more so that a column's elements lie in different banks.
    const int Tile = 32, TilePitch = Tile + 1;

    public static void FillDense<TWord>(FillArguments<TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < a.Count) a.Y[i] = a.Value;
    }

    public static void Fill<TWord>(FillArguments<TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < a.Count) a.Y[Steps.At(a.YSteps, Axes.At(a.Axes, i))] = a.Value;
    }

    public static void Dense<TWord>(CopyArguments<TWord, TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < a.Count) a.Y[i] = a.X[i * a.XSteps.S0];
    }

    public static void Strided<TWord>(CopyArguments<TWord, TWord> a) where TWord : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        a.Y[Steps.At(a.YSteps, at)] = a.X[Steps.At(a.XSteps, at)];
    }

    /// <summary>
    /// Y dense along axis 0, X dense along axis 1 of the walk: a group moves 32 x 32 elements through shared memory, so that
    /// both sides are read and written along their rows. Groups run over axis 0, then axis 1, then the rest.
    /// </summary>
    public static void Turned<TWord>(CopyArguments<TWord, TWord> a) where TWord : unmanaged
    {
        ArrayView<TWord> tile = SharedMemory.Allocate<TWord>(Tile * TilePitch);
        int lane = Group.IdxX % Tile, first = Group.IdxX / Tile;
        int across = (a.Axes.E0.Count + Tile - 1) / Tile, down = (a.Axes.E1.Count + Tile - 1) / Tile;
        int outer = Grid.IdxX / (across * down), within = Grid.IdxX - outer * across * down;
        int row = within / across, column = (within - row * across) * Tile;
        row *= Tile;
        Coordinates at = Axes.At(a.Axes, outer * a.Axes.E0.Count * a.Axes.E1.Count);
        int x = Steps.At(a.XSteps, at), y = Steps.At(a.YSteps, at);
        for (int line = first; line < Tile; line += KernelLoader.GroupSize / Tile)
        {
            if (column + line < a.Axes.E0.Count && row + lane < a.Axes.E1.Count)
                tile[line * TilePitch + lane] = a.X[x + (column + line) * a.XSteps.S0 + (row + lane) * a.XSteps.S1];
        }

        // The tile is written along X's rows and read along Y's.
        Group.Barrier();
        for (int line = first; line < Tile; line += KernelLoader.GroupSize / Tile)
        {
            if (row + line < a.Axes.E1.Count && column + lane < a.Axes.E0.Count)
                a.Y[y + (column + lane) * a.YSteps.S0 + (row + line) * a.YSteps.S1] = tile[lane * TilePitch + line];
        }
    }

    public static void ConvertDense<TConversion, TFrom, TTo>(CopyArguments<TFrom, TTo> a)
        where TConversion : struct, IConversion<TFrom, TTo>
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i < a.Count) a.Y[i] = TConversion.Convert(a.X[i * a.XSteps.S0]);
    }

    public static void Convert<TConversion, TFrom, TTo>(CopyArguments<TFrom, TTo> a)
        where TConversion : struct, IConversion<TFrom, TTo>
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= a.Count) return;
        Coordinates at = Axes.At(a.Axes, i);
        a.Y[Steps.At(a.YSteps, at)] = TConversion.Convert(a.X[Steps.At(a.XSteps, at)]);
    }
}
