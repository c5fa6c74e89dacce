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

    // Up to so many rows (columns) an operand is read in place: packing it would cost as much as it saves.
    const int FewRows = 64, FewColumns = 384;

    // Fewer rows than these would pay too often for the columns of b they go through.
    const int LeastRows = 48;

    [ThreadStatic] static Gemm<TLane, T, TActivation>? cached;

    readonly Action<int> pack, multiply;
    GemmProblem<T> problem;
    TActivation activation;

    // Where the sums of one block of K wait for the next.
    T* partial;
    nint partialRow, partialColumn;

    // The part of b that is packed: some columns over some blocks of K, and of those columns the ones read in place come first.
    T* panels;
    int column, columns, packedFrom, panelCount;
    int stage, stageDepth, maxDepth;

    int rowsPerTask, columnsPerTask, columnTasks, panelsPerPack, packTasks;

    // a is read in place, or packed by each task for itself, or, where columns are cut and several tasks share rows, by all
    // for all, behind the panels of b.
    bool aInPlace, aShared;
    T* rowPanels;
    int paddedRows, rowsPerPack, rowPackTasks;

    Gemm() => (pack, multiply) = (PackPanels, MultiplyTask);

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

    void Run(int threads, T* sumsRoom)
    {
        partial = problem.Linear != null ? problem.Linear : sumsRoom != null ? sumsRoom : problem.Y;
        (partialRow, partialColumn) = problem.Linear != null ? (problem.LinearRow, problem.LinearColumn)
            : sumsRoom != null ? (problem.N, 1)
            : (problem.YRow, problem.YColumn);

        maxDepth = GemmBlocking.Depth(problem.K);
        aInPlace = problem.N <= FewColumns && problem.AColumn == 1;
        bool bInPlace = problem.M <= FewRows && problem.BColumn == 1 && !problem.IsNarrow;
        for (column = 0; column < problem.N; column += columns)
        {
            columns = Math.Min(GemmBlocking.MaxColumns, problem.N - column);
            packedFrom = bInPlace ? columns / TileColumns * TileColumns : 0;
            panelCount = (columns - packedFrom + TileColumns - 1) / TileColumns;
            int packedColumns = panelCount * TileColumns;

            long room = (long)GemmBlocking.StageElements * threads;
            long blocks = Math.Max(1, room / Math.Max(packedColumns, TileColumns) / maxDepth);
            stageDepth = (int)Math.Min(blocks * maxDepth, GemmBlocking.RoundUp(problem.K, maxDepth));
            Cut(threads, stageDepth / maxDepth);
            long bRoom = (long)packedColumns * stageDepth;
            panels = GemmScratch.Panels<T>(bRoom + (aShared ? (long)paddedRows * stageDepth : 0));
            rowPanels = panels + bRoom;
            int tasks = (problem.M + rowsPerTask - 1) / rowsPerTask * columnTasks;
            for (stage = 0; stage < problem.K; stage += stageDepth)
            {
                int stageBlocks = (Math.Min(stageDepth, problem.K - stage) + maxDepth - 1) / maxDepth;
                Loop(threads, (packTasks + rowPackTasks) * stageBlocks, pack);
                Loop(threads, tasks, multiply);
            }
        }
    }

    static void Loop(int threads, int count, Action<int> body)
    {
        if (threads > 1) ThreadTeam.For(count, body);
        else for (int i = 0; i < count; i++) body(i);
    }

    // A task takes no more rows than L2 holds, and fewer where that leaves threads without work; where rows alone do not
    // suffice (weight gradients: few rows, long K) columns are cut too.
    void Cut(int threads, int blocks)
    {
        // Neighbouring panels together read whole rows of b.
        int packWanted = threads == 1 ? 1 : (2 * threads + blocks - 1) / blocks;
        panelsPerPack = Math.Max(1, (panelCount + packWanted - 1) / packWanted);
        packTasks = (panelCount + panelsPerPack - 1) / panelsPerPack;

        // Several tasks a thread, in equal numbers, so that one that is held up gives some away.
        int wanted = threads == 1 ? 1 : 4 * threads;
        int tiles = (problem.M + TileRows - 1) / TileRows;
        int fewest = (tiles - 1) / Math.Max(GemmBlocking.BlockElements / maxDepth / TileRows, 1) + 1;
        int rowTasks = Math.Clamp(tiles * TileRows / LeastRows, 1, wanted);
        if (rowTasks > threads) rowTasks -= rowTasks % threads;
        if (rowTasks < fewest) rowTasks = GemmBlocking.RoundUp(fewest, threads);
        rowsPerTask = (tiles + rowTasks - 1) / rowTasks * TileRows;

        int columnTiles = (columns + TileColumns - 1) / TileColumns;
        columnTasks = Math.Clamp((wanted + rowTasks - 1) / rowTasks, 1, Math.Max(1, columnTiles / 4));
        columnsPerTask = (columnTiles + columnTasks - 1) / columnTasks * TileColumns;
        columnTasks = (columns + columnsPerTask - 1) / columnsPerTask;

        aShared = columnTasks > 1 && !aInPlace;
        paddedRows = tiles * TileRows;
        rowsPerPack = (tiles + packWanted - 1) / packWanted * TileRows;
        rowPackTasks = aShared ? (paddedRows + rowsPerPack - 1) / rowsPerPack : 0;
    }

    // Panels lie in the order of the blocks of K, and of the columns (rows) within a block.
    void PackPanels(int task)
    {
        int tasks = packTasks + rowPackTasks, block = task / tasks;
        int step = stage + block * maxDepth, depth = Math.Min(maxDepth, problem.K - step);
        if (task % tasks < packTasks) PackColumns(block, step, depth, task % tasks);
        else PackRows(block, step, depth, (task % tasks - packTasks) * rowsPerPack);
    }

    void PackRows(int block, int step, int depth, int row)
    {
        T* source = problem.A + row * problem.ARow + step * problem.AColumn;
        GemmPacking<TLane, T>.Pack(source, problem.ARow, problem.AColumn, Math.Min(rowsPerPack, problem.M - row), depth, TileRows,
            rowPanels + (nint)block * maxDepth * paddedRows + (nint)row * depth);
    }

    void PackColumns(int block, int step, int depth, int task)
    {
        int panel = task * panelsPerPack, count = Math.Min(panelsPerPack, panelCount - panel);
        int first = packedFrom + panel * TileColumns;
        nint offset = step * problem.BRow + (column + first) * problem.BColumn;
        int lines = Math.Min(count * TileColumns, columns - first);
        T* target = panels + ((nint)block * maxDepth * panelCount + (nint)panel * depth) * TileColumns;
        switch (problem.BType)
        {
            case DType.BFloat16: PackWeights((BrainWeight<T>*)problem.B + offset, lines, depth, target); break;
            case DType.Float16: PackWeights((HalfWeight<T>*)problem.B + offset, lines, depth, target); break;
            default: PackWeights((PlainWeight<T>*)problem.B + offset, lines, depth, target); break;
        }
    }

    void PackWeights<TWeight>(TWeight* source, int lines, int depth, T* target) where TWeight : unmanaged, IWeight<TWeight, T> =>
        GemmPacking<TLane, T>.Pack(source, problem.BColumn, problem.BRow, lines, depth, TileColumns, target);

    void MultiplyTask(int task)
    {
        int firstRow = task / columnTasks * rowsPerTask, rows = Math.Min(rowsPerTask, problem.M - firstRow);
        int firstColumn = task % columnTasks * columnsPerTask, lastColumn = Math.Min(firstColumn + columnsPerTask, columns);
        for (int step = stage; step < Math.Min(stage + stageDepth, problem.K); step += maxDepth)
            MultiplyBlock(step, Math.Min(maxDepth, problem.K - step), firstRow, rows, firstColumn, lastColumn);
    }

    void MultiplyBlock(int step, int depth, int firstRow, int rows, int firstColumn, int lastColumn)
    {
        // What hangs over the edge of a is packed in any case: the rows that a tile lacks are zeros there.
        T* a = problem.A + firstRow * problem.ARow + step * problem.AColumn;
        int whole = aInPlace ? rows / TileRows * TileRows : 0;
        T* block;
        if (aShared)
        {
            block = rowPanels + (nint)(step - stage) * paddedRows + (nint)firstRow * depth;
        }
        else
        {
            block = GemmScratch.Block<T>((long)(rows - whole + TileRows) * depth);
            GemmPacking<TLane, T>.Pack(a + whole * problem.ARow, problem.ARow, problem.AColumn, rows - whole, depth, TileRows, block);
        }

        T* blockPanels = panels + (nint)(step - stage) * panelCount * TileColumns;

        // A panel of b stays in L1 while the rows of the task pass by.
        for (int j = firstColumn; j < lastColumn; j += TileColumns)
        {
            Tile tile = new() { Step = step, Depth = depth, Column = column + j, Columns = Math.Min(TileColumns, columns - j) };
            bool packed = j >= packedFrom;
            tile.B = packed ? blockPanels + (nint)(j - packedFrom) * depth : problem.B + step * problem.BRow + tile.Column;
            tile.BStep = packed ? TileColumns : problem.BRow;
            for (int i = 0; i < rows; i += TileRows)
            {
                bool inPlace = i < whole;
                tile.A = inPlace ? a + i * problem.ARow : block + (nint)(i - whole) * depth;
                (tile.ARow, tile.AStep) = inPlace ? (problem.ARow, problem.AColumn) : (1, TileRows);
                (tile.Row, tile.Rows) = (firstRow + i, Math.Min(TileRows, rows - i));
                MultiplyTile(tile);
            }
        }
    }

    void MultiplyTile(in Tile tile)
    {
        bool first = tile.Step == 0, last = tile.Step + tile.Depth == problem.K;
        bool inPlace = partial == problem.Y, plain = typeof(TActivation) == typeof(Identity);
        T* sums = partial + tile.Row * partialRow + tile.Column * partialColumn;
        T* y = problem.Y + tile.Row * problem.YRow + tile.Column * problem.YColumn;
        T* bias = first && problem.Bias != null ? problem.Bias + tile.Column : null;
        bool add = !first || (problem.Accumulate && inPlace && plain);
        bool finish = last && !(inPlace && plain);

        // What is activated and then added to y cannot pass through y.
        bool overY = inPlace && finish && problem.Accumulate;
        bool whole = tile.Rows == TileRows && tile.Columns == TileColumns;
        if (whole && partialColumn == 1 && !overY && (!finish || problem.YColumn == 1))
        {
            GemmMicroKernel<TLane, T>.Multiply(tile.Depth, tile.A, tile.ARow, tile.AStep, tile.B, tile.BStep, sums, partialRow, bias, add);
            if (finish) GemmEpilogue<TLane, T, TActivation>.Full(activation, sums, partialRow, y, problem.YRow, problem.Accumulate);
            return;
        }

        T* room = stackalloc T[TileRows * TileColumns];
        GemmMicroKernel<TLane, T>.Multiply(tile.Depth, tile.A, tile.ARow, tile.AStep, tile.B, tile.BStep, room, TileColumns, null, false);
        GemmEpilogue<TLane, T, TActivation>.Sum(room, tile.Rows, tile.Columns, bias, sums, partialRow, partialColumn, add, keep: !(inPlace && finish));
        if (finish) GemmEpilogue<TLane, T, TActivation>.Part(activation, room, tile.Rows, tile.Columns, y, problem.YRow, problem.YColumn, problem.Accumulate);
    }

    // One register tile of y over one block of K.
    struct Tile
    {
        public T* A, B;
        public nint ARow, AStep, BStep;
        public int Step, Depth, Row, Rows, Column, Columns;
    }
}
