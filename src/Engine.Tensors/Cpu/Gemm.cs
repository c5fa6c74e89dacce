namespace Engine.Tensors;

/// <summary>
/// Matrix products in the manner of BLIS (Van Zee and van de Geijn 2015): b is packed a block of K at a time, shared by all
/// threads; a task takes some rows of a, packs them for itself into its L2 and runs the micro-kernel over register tiles.
/// </summary>
/// <remarks>
/// Blocks along K follow one another and depend on the shape alone, so an element of y has the same bits for any number of
/// threads and any cut along M and N.
/// </remarks>
sealed unsafe class Gemm<TLane, T, TActivation>
    where TLane : struct, IVectorLane<TLane, T>
    where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    where TActivation : struct, IUnary
{
    // Work, in multiply-adds, below which a second thread costs more than it gains: some ten microseconds.
    const long WorthSharing = 256 * 1024;

    // Up to so many rows b is read once or twice only, and packing it would cost as much as multiplying.
    const int FewRows = 64;

    [ThreadStatic] static Gemm<TLane, T, TActivation>? cached;

    readonly Action<int> pack, multiply;
    GemmProblem<T> problem;
    TActivation activation;
    T* panels, partial;
    nint partialRow, partialColumn;
    int column, columns, step, depth, packedFrom;
    int rowsPerTask, columnsPerTask, columnTasks;

    Gemm() => (pack, multiply) = (PackPanel, MultiplyTask);

    static int TileRows => GemmTile<TLane, T>.Rows;

    static int TileColumns => GemmTile<TLane, T>.Columns;

    /// <summary>Computes one product.</summary>
    /// <param name="problem">What to multiply; no extent is 0.</param>
    /// <param name="activation">Applied to a b + bias.</param>
    /// <param name="shared">Whether other threads may help.</param>
    /// <param name="partial">Room for M x N sums where y cannot hold them (activated and accumulated over several blocks), else null.</param>
    public static void Run(in GemmProblem<T> problem, TActivation activation, bool shared, T* partial = null)
    {
        Gemm<TLane, T, TActivation> run = cached ??= new();
        run.problem = problem;
        run.activation = activation;
        run.Run(shared && problem.Work >= WorthSharing ? ThreadTeam.Threads : 1, partial);
    }

    /// <summary>Whether <see cref="Run(in GemmProblem{T}, TActivation, bool, T*)"/> needs room for partial sums.</summary>
    public static bool NeedsPartial(in GemmProblem<T> problem) =>
        typeof(TActivation) != typeof(Identity) && problem.Accumulate && problem.Linear == null && GemmBlocking.Depth(problem.K) < problem.K;

    void Run(int threads, T* room)
    {
        // Where the sums of one block of K wait for the next.
        partial = problem.Linear != null ? problem.Linear : room != null ? room : problem.Y;
        (partialRow, partialColumn) = problem.Linear != null ? (problem.LinearRow, problem.LinearColumn)
            : room != null ? (problem.N, 1)
            : (problem.YRow, problem.YColumn);

        int maxDepth = GemmBlocking.Depth(problem.K);
        bool readInPlace = problem.BColumn == 1 && problem.M <= FewRows;
        for (column = 0; column < problem.N; column += columns)
        {
            columns = Math.Min(GemmBlocking.MaxColumns, problem.N - column);
            packedFrom = readInPlace ? columns / TileColumns * TileColumns : 0;
            int panelCount = (columns - packedFrom + TileColumns - 1) / TileColumns;
            panels = GemmScratch.Panels<T>((long)panelCount * TileColumns * maxDepth + GemmPacking<T>.Slack);
            Cut(threads, maxDepth);
            int rowTasks = (problem.M + rowsPerTask - 1) / rowsPerTask;
            for (step = 0; step < problem.K; step += depth)
            {
                depth = Math.Min(maxDepth, problem.K - step);
                Loop(threads, panelCount, pack);
                Loop(threads, rowTasks * columnTasks, multiply);
            }
        }
    }

    static void Loop(int threads, int count, Action<int> body)
    {
        if (threads > 1) ThreadTeam.For(count, body);
        else for (int i = 0; i < count; i++) body(i);
    }

    // Tasks of as many rows as L2 holds; fewer where that leaves threads without work; and where rows alone do not suffice
    // (weight gradients: few rows, long K) columns are cut too, though each task then packs its rows again.
    void Cut(int threads, int maxDepth)
    {
        int tasks = threads == 1 ? 1 : 4 * threads;
        int tiles = (problem.M + TileRows - 1) / TileRows;
        int most = Math.Max(GemmBlocking.BlockElements / maxDepth / TileRows, 1);
        int least = Math.Min(tiles, Math.Max(1, 48 / TileRows));
        int rowTiles = Math.Clamp((tiles + tasks - 1) / tasks, Math.Min(least, most), most);
        int blocks = (tiles + rowTiles - 1) / rowTiles;
        rowsPerTask = (tiles + blocks - 1) / blocks * TileRows;

        int columnTiles = (columns + TileColumns - 1) / TileColumns;
        int wanted = Math.Clamp(tasks / blocks, 1, Math.Max(1, columnTiles / 4));
        columnsPerTask = (columnTiles + wanted - 1) / wanted * TileColumns;
        columnTasks = (columns + columnsPerTask - 1) / columnsPerTask;
    }

    void PackPanel(int panel)
    {
        int first = packedFrom + panel * TileColumns;
        T* source = problem.B + step * problem.BRow + (column + first) * problem.BColumn;
        GemmPacking<T>.Pack(source, problem.BColumn, problem.BRow, Math.Min(TileColumns, columns - first), depth, TileColumns,
            panels + (nint)panel * TileColumns * depth);
    }

    void MultiplyTask(int task)
    {
        int firstRow = task / columnTasks * rowsPerTask, rows = Math.Min(rowsPerTask, problem.M - firstRow);
        int firstColumn = task % columnTasks * columnsPerTask, lastColumn = Math.Min(firstColumn + columnsPerTask, columns);
        T* block = GemmScratch.Block<T>((long)rowsPerTask * depth + GemmPacking<T>.Slack);
        GemmPacking<T>.Pack(problem.A + firstRow * problem.ARow + step * problem.AColumn, problem.ARow, problem.AColumn,
            rows, depth, TileRows, block);

        // A panel of b stays in L1 while the rows of the task pass by.
        for (int j = firstColumn; j < lastColumn; j += TileColumns)
        {
            bool packed = j >= packedFrom;
            T* b = packed ? panels + (nint)(j - packedFrom) * depth : problem.B + step * problem.BRow + column + j;
            nint bStep = packed ? TileColumns : problem.BRow;
            for (int i = 0; i < rows; i += TileRows)
            {
                MultiplyTile(block + (nint)i * depth, b, bStep, firstRow + i, column + j,
                    Math.Min(TileRows, rows - i), Math.Min(TileColumns, columns - j));
            }
        }
    }

    void MultiplyTile(T* a, T* b, nint bStep, int row, int col, int rows, int cols)
    {
        bool first = step == 0, last = step + depth == problem.K;
        bool inPlace = partial == problem.Y, plain = typeof(TActivation) == typeof(Identity);
        T* sums = partial + row * partialRow + col * partialColumn;
        T* y = problem.Y + row * problem.YRow + col * problem.YColumn;
        T* bias = first && problem.Bias != null ? problem.Bias + col : null;
        bool add = !first || (problem.Accumulate && inPlace && plain);
        bool finish = last && !(inPlace && plain);

        // What is activated and then added to y cannot pass through y.
        bool overY = inPlace && finish && problem.Accumulate;
        if (rows == TileRows && cols == TileColumns && partialColumn == 1 && !overY && (!finish || problem.YColumn == 1))
        {
            GemmMicroKernel<TLane, T>.Multiply(depth, a, b, bStep, sums, partialRow, bias, add);
            if (finish) GemmEpilogue<TLane, T, TActivation>.Full(activation, sums, partialRow, y, problem.YRow, problem.Accumulate);
            return;
        }

        T* tile = stackalloc T[TileRows * TileColumns];
        GemmMicroKernel<TLane, T>.Multiply(depth, a, b, bStep, tile, TileColumns, null, false);
        GemmEpilogue<TLane, T, TActivation>.Sum(tile, rows, cols, bias, sums, partialRow, partialColumn, add, keep: !(inPlace && finish));
        if (finish) GemmEpilogue<TLane, T, TActivation>.Part(activation, tile, rows, cols, y, problem.YRow, problem.YColumn, problem.Accumulate);
    }
}
