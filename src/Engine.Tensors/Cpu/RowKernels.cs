namespace Engine.Tensors;

/// <summary>Kernels over the rows of a dense matrix that ask for order or place rather than for a formula.</summary>
static class Rows
{
    /// <summary>Runs a body over all rows, several at a time where they are short.</summary>
    public static void ForEach(long rows, long rowLength, Action<long> body)
    {
        long each = Math.Max(1, Map.Grain / Math.Max(rowLength, 1));
        int groups = checked((int)((rows + each - 1) / each));
        if (groups == 1) Group(0);
        else ThreadTeam.For(groups, Group);

        void Group(int group)
        {
            long end = Math.Min(rows, (group + 1) * each);
            for (long row = group * each; row < end; row++) body(row);
        }
    }
}

/// <summary>y[r] = the first place of row r's largest or smallest element; the first NaN wins over everything.</summary>
readonly struct ArgReduceKernel(bool largest, Tensor x, Tensor y) : ISimdKernel
{
    readonly bool largest = largest;
    readonly Tensor x = x, y = y;

    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        bool largest = this.largest;
        T* px = CpuBackend.Pointer<T>(x);
        int* py = CpuBackend.Pointer<int>(y);
        int length = x.Shape[1];
        Rows.ForEach(x.Shape[0], length, row => py[row] = largest ? Largest(px + row * length, length) : Smallest(px + row * length, length));
    }

    static unsafe int Largest<T>(T* row, int length) where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        int place = 0;
        T best = row[0];
        for (int i = 1; i < length && !T.IsNaN(best); i++)
        {
            // Not "row[i] > best": a NaN has to get through.
            if (row[i] <= best) continue;
            (place, best) = (i, row[i]);
        }

        return place;
    }

    static unsafe int Smallest<T>(T* row, int length) where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        int place = 0;
        T best = row[0];
        for (int i = 1; i < length && !T.IsNaN(best); i++)
        {
            if (row[i] >= best) continue;
            (place, best) = (i, row[i]);
        }

        return place;
    }
}

/// <summary>y[r, n] = x[r, 0] + ... + x[r, n], summed in double.</summary>
readonly struct CumulativeSumKernel(Tensor x, Tensor y) : ISimdKernel
{
    readonly Tensor x = x, y = y;

    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        T* px = CpuBackend.Pointer<T>(x), py = CpuBackend.Pointer<T>(y);
        int length = x.Shape[1];
        Rows.ForEach(x.Shape[0], length, row =>
        {
            T* source = px + row * length, target = py + row * length;
            double sum = 0;
            for (int i = 0; i < length; i++)
            {
                sum += double.CreateTruncating(source[i]);
                target[i] = T.CreateTruncating(sum);
            }
        });
    }
}

/// <summary>The k largest of each row in falling order, ties by place, NaN above everything.</summary>
readonly struct TopKKernel(Tensor x, int k, Tensor values, Tensor indices) : ISimdKernel
{
    // Up to here a sorted list is kept by insertion: most elements fail its last entry at once.
    const int InsertionLimit = 128;

    readonly Tensor x = x, values = values, indices = indices;
    readonly int k = k;

    public unsafe void Run<TLane, T>()
        where TLane : struct, IVectorLane<TLane, T>
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        int k = this.k, length = x.Shape[1];
        T* px = CpuBackend.Pointer<T>(x), pv = CpuBackend.Pointer<T>(values);
        int* pi = CpuBackend.Pointer<int>(indices);
        Rows.ForEach(x.Shape[0], length, row =>
        {
            if (k <= InsertionLimit) Insert(px + row * length, length, pv + row * k, pi + row * k, k);
            else Sort(px + row * length, length, pv + row * k, pi + row * k, k);
        });
    }

    static unsafe void Insert<T>(T* row, int length, T* best, int* places, int k) where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        int held = 0;
        for (int i = 0; i < length; i++)
        {
            T value = row[i];
            if (held == k && !Above(value, best[k - 1])) continue;
            int at = held < k ? held++ : k - 1;
            for (; at > 0 && Above(value, best[at - 1]); at--) (best[at], places[at]) = (best[at - 1], places[at - 1]);
            (best[at], places[at]) = (value, i);
        }
    }

    static unsafe void Sort<T>(T* row, int length, T* best, int* places, int k) where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        int[] order = new int[length];
        for (int i = 0; i < length; i++) order[i] = i;
        Array.Sort(order, (a, b) => Above(row[a], row[b]) ? -1 : Above(row[b], row[a]) ? 1 : a - b);
        for (int i = 0; i < k; i++) (best[i], places[i]) = (row[order[i]], order[i]);
    }

    static bool Above<T>(T a, T b) where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T> =>
        a > b || (T.IsNaN(a) && !T.IsNaN(b));
}
