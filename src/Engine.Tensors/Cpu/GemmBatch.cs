namespace Engine.Tensors;

/// <summary>The batch axes of a product, and how a batch is spread over threads.</summary>
static unsafe class GemmBatch<TLane, T, TActivation>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    where TActivation : struct, IUnary
{
    // A product this large keeps all threads busy by itself.
    const long LargeProduct = 8L << 20;

    // Multiply-adds of one task when small products are shared out.
    const long TaskWork = 128 * 1024;

    /// <summary>Computes all products of a batch: the matrices of a, b, y and linear lie where the tensors' strides say.</summary>
    public static void Run(GemmProblem<T> problem, TActivation activation, Tensor a, Tensor b, Tensor y, Tensor? linear, T* partial)
    {
        int axes = y.Rank - 2;
        long products = 1;
        for (int axis = 0; axis < axes; axis++) products *= y.Shape[axis];
        if (products > 1 && FoldIntoRows(ref problem, a, b, y, linear)) products = 1;
        if (products == 1) One(problem, activation, shared: true, partial);
        else if (problem.Work >= LargeProduct && products < 4L * ThreadTeam.Threads) InTurn(problem, activation, shared: true, a, b, y, linear, partial, 0, products);
        else if (products * problem.Work < 2 * TaskWork || partial != null) InTurn(problem, activation, shared: false, a, b, y, linear, partial, 0, products);
        else Share(problem, activation, a, b, y, linear, products);
    }

    static void Share(GemmProblem<T> problem, TActivation activation, Tensor a, Tensor b, Tensor y, Tensor? linear, long products)
    {
        long length = Math.Max(Math.Max(1, TaskWork / problem.Work), (products + (1 << 20) - 1) >> 20);
        ThreadTeam.For((int)((products + length - 1) / length), task =>
            InTurn(problem, activation, shared: false, a, b, y, linear, null, task * length, Math.Min(products, (task + 1) * length)));
    }

    static void InTurn(GemmProblem<T> problem, TActivation activation, bool shared, Tensor a, Tensor b, Tensor y, Tensor? linear, T* partial, long first, long end)
    {
        for (long index = first; index < end; index++)
        {
            GemmProblem<T> current = problem;
            long rest = index;
            for (int axis = y.Rank - 3; axis >= 0; axis--)
            {
                int extent = y.Shape[axis];
                nint place = (nint)(rest % extent);
                rest /= extent;
                current.A += place * a.Strides[axis];
                current.B += place * b.Strides[axis];
                current.Y += place * y.Strides[axis];
                if (linear is not null) current.Linear += place * linear.Strides[axis];
            }

            One(current, activation, shared, partial);
        }
    }

    static void One(GemmProblem<T> problem, TActivation activation, bool shared, T* partial)
    {
        // The fast ways write along rows. A y that is dense along columns is computed as its transpose, if no bias forbids it.
        if (problem.YColumn != 1 && problem.YRow == 1 && problem.Bias == null && problem.N > 1) problem = problem.Transposed();
        if (GemmRows<TLane, T, TActivation>.Suits(problem)) GemmRows<TLane, T, TActivation>.Run(problem, activation, shared);
        else Gemm<TLane, T, TActivation>.Run(problem, activation, shared, partial);
    }

    // [batch, M, K] times one [K, N] is [batch * M, K] times [K, N] where the rows of all matrices are evenly spaced.
    static bool FoldIntoRows(ref GemmProblem<T> problem, Tensor a, Tensor b, Tensor y, Tensor? linear)
    {
        long rows = problem.M;
        nint aRow = problem.ARow, yRow = problem.YRow, linearRow = problem.LinearRow;
        for (int axis = y.Rank - 3; axis >= 0; axis--)
        {
            int extent = y.Shape[axis];
            if (extent == 1) continue;
            if (b.Strides[axis] != 0) return false;
            if (rows == 1) (aRow, yRow, linearRow) = (a.Strides[axis], y.Strides[axis], linear is null ? 0 : linear.Strides[axis]);
            else if (a.Strides[axis] != rows * aRow || y.Strides[axis] != rows * yRow || (linear is not null && linear.Strides[axis] != rows * linearRow)) return false;
            rows *= extent;
        }

        if (rows > int.MaxValue) return false;
        (problem.M, problem.ARow, problem.YRow, problem.LinearRow) = ((int)rows, aRow, yRow, linearRow);
        return true;
    }
}
