using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>
/// What the kernels of attention are made of. All products have one form: a thread's 4 x 4 numbers += sum over k of
/// left[k, 4 rows] right[k, 4 columns], both sides in shared memory, a quad each.
/// </summary>
static class AttentionParts<TTile, TElement, TWord, TLane>
    where TTile : struct, IAttentionTile
    where TElement : struct, IGpuElement<TWord, TLane>
    where TWord : unmanaged
    where TLane : unmanaged, ILane<TLane>
{
    /// <summary>Quads of shared memory that stage what a product reads: Depth features of queries, and of keys.</summary>
    public static int StageQuads => 2 * TTile.Depth * TTile.Pitch * TTile.Blocks;

    /// <summary>Quads of shared memory for a tile of scores.</summary>
    public static int ScoreQuads => TTile.Side * TTile.Pitch * TTile.Blocks;

    /// <summary>Rows that one stage holds when a single matrix has it.</summary>
    public static int StageRows => 2 * TTile.Depth;

    /// <summary>sum over <paramref name="steps"/> rows of left^T right.</summary>
    public static QuadRows<TLane> Multiply(ArrayView<Quad<TLane>> left, int leftPlace, ArrayView<Quad<TLane>> right, int rightPlace, int steps, QuadRows<TLane> sum)
    {
        for (int k = 0; k < steps; k++)
        {
            sum = QuadRows<TLane>.MulAdd(left[leftPlace], right[rightPlace], sum);
            leftPlace += TTile.Pitch;
            rightPlace += TTile.Pitch;
        }

        return sum;
    }

    /// <summary>Brings up to Side rows of <paramref name="steps"/> features into shared memory, features as rows.</summary>
    public static void StageTransposed(ArrayView<TWord> source, int place, int rowStep, int rows, int steps, ArrayView<TLane> stage, int target, int lane)
    {
        for (int i = lane; i < rows * TTile.Depth; i += TTile.Threads)
        {
            int row = i / TTile.Depth, feature = i % TTile.Depth;
            if (feature < steps)
                stage[target + feature * (TTile.Pitch * 4) + row] = TElement.Load(source[place + row * rowStep + feature]);
        }
    }

    /// <summary>Brings rows into shared memory as they are, up to Side columns of them.</summary>
    public static void StageRowsOf(ArrayView<TWord> source, int place, int rowStep, int rows, int columns, ArrayView<TLane> stage, int target, int lane)
    {
        for (int i = lane; i < rows * TTile.Side; i += TTile.Threads)
        {
            int row = i / TTile.Side, column = i % TTile.Side;
            if (column < columns)
                stage[target + row * (TTile.Pitch * 4) + column] = TElement.Load(source[place + row * rowStep + column]);
        }
    }

    /// <summary>
    /// left right^T of a tile, rows of <paramref name="width"/> features from global memory. All threads of the group take
    /// part; on return the stage is free again.
    /// </summary>
    public static QuadRows<TLane> ProductOfRows(
        ArrayView<TWord> left, int leftPlace, int leftStep, int rows, ArrayView<TWord> right, int rightPlace, int rightStep, int columns,
        int width, ArrayView<Quad<TLane>> stage, int block, int lane)
    {
        ArrayView<TLane> numbers = stage.Cast<TLane>();
        int leftStage = block * (2 * TTile.Depth * TTile.Pitch), rightStage = leftStage + TTile.Depth * TTile.Pitch;
        int row = lane / (TTile.Side / 4), column = lane % (TTile.Side / 4);
        bool inside = row * 4 < rows && column * 4 < columns;
        QuadRows<TLane> sum = default;
        for (int feature = 0; feature < width; feature += TTile.Depth)
        {
            int steps = IntrinsicMath.Min(TTile.Depth, width - feature);
            StageTransposed(left, leftPlace + feature, leftStep, rows, steps, numbers, leftStage * 4, lane);
            StageTransposed(right, rightPlace + feature, rightStep, columns, steps, numbers, rightStage * 4, lane);

            // Staged by all, read by all: the width is the same for the whole group.
            Group.Barrier();
            if (inside) sum = Multiply(stage, leftStage + row, stage, rightStage + column, steps, sum);
            Group.Barrier();
        }

        return sum;
    }

    /// <summary>
    /// sum += scores^T rows over the first axis of a tile of scores, up to Side columns of rows from global memory. What was
    /// written to shared memory before is seen; on return scores and stage are free. All threads of the group take part.
    /// </summary>
    /// <param name="source">The rows.</param>
    /// <param name="place">Where the first column of the first row is.</param>
    /// <param name="rowStep">Elements from row to row.</param>
    /// <param name="count">Rows, the same for the whole group.</param>
    /// <param name="countHere">The same, or 0 in a block without a head.</param>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Columns of the result; none if not positive.</param>
    /// <param name="scores">The scores of all blocks.</param>
    /// <param name="stage">The stage of all blocks.</param>
    /// <param name="block">This block.</param>
    /// <param name="lane">This thread of it.</param>
    /// <param name="sum">What is added to.</param>
    public static QuadRows<TLane> SumOfRows(
        ArrayView<TWord> source, int place, int rowStep, int count, int countHere, int rows, int columns,
        ArrayView<Quad<TLane>> scores, ArrayView<Quad<TLane>> stage, int block, int lane, QuadRows<TLane> sum)
    {
        int row = lane / (TTile.Side / 4), column = lane % (TTile.Side / 4);
        int left = block * (TTile.Side * TTile.Pitch) + row, right = block * (2 * TTile.Depth * TTile.Pitch);
        for (int k = 0; k < count; k += StageRows)
        {
            int staged = IntrinsicMath.Min(StageRows, countHere - k);
            StageRowsOf(source, place + k * rowStep, rowStep, staged, columns, stage.Cast<TLane>(), right * 4, lane);

            // Staged by all, read by all: the count is the same for the whole group.
            Group.Barrier();
            if (row * 4 < rows && column * 4 < columns)
                sum = Multiply(scores, left + k * TTile.Pitch, stage, right + column, staged, sum);
            Group.Barrier();
        }

        return sum;
    }

    /// <summary>Writes a thread's 4 x 4 numbers to shared memory as they are.</summary>
    public static void StoreRows(QuadRows<TLane> x, ArrayView<Quad<TLane>> scores, int scoreBase, int row, int column)
    {
        int place = scoreBase + row * 4 * TTile.Pitch + column;
        scores[place] = x.R0;
        scores[place + TTile.Pitch] = x.R1;
        scores[place + 2 * TTile.Pitch] = x.R2;
        scores[place + 3 * TTile.Pitch] = x.R3;
    }

    /// <summary>Writes a thread's 4 x 4 numbers to shared memory, queries along its rows: a product over the keys reads them so.</summary>
    public static void StoreTransposed(QuadRows<TLane> x, ArrayView<Quad<TLane>> scores, int scoreBase, int row, int column)
    {
        int place = scoreBase + column * 4 * TTile.Pitch + row;
        scores[place] = new(x.R0.X, x.R1.X, x.R2.X, x.R3.X);
        scores[place + TTile.Pitch] = new(x.R0.Y, x.R1.Y, x.R2.Y, x.R3.Y);
        scores[place + 2 * TTile.Pitch] = new(x.R0.Z, x.R1.Z, x.R2.Z, x.R3.Z);
        scores[place + 3 * TTile.Pitch] = new(x.R0.W, x.R1.W, x.R2.W, x.R3.W);
    }

    /// <summary>Writes a thread's 4 x 4 numbers, those inside the tensor.</summary>
    public static void Store(QuadRows<TLane> x, ArrayView<TWord> target, int place, int rowStep, int rows, int columns)
    {
        if (rows > 0) Store(x.R0, target, place, columns);
        if (rows > 1) Store(x.R1, target, place + rowStep, columns);
        if (rows > 2) Store(x.R2, target, place + 2 * rowStep, columns);
        if (rows > 3) Store(x.R3, target, place + 3 * rowStep, columns);
    }

    static void Store(Quad<TLane> x, ArrayView<TWord> target, int place, int columns)
    {
        if (columns > 0) target[place] = TElement.Store(x.X);
        if (columns > 1) target[place + 1] = TElement.Store(x.Y);
        if (columns > 2) target[place + 2] = TElement.Store(x.Z);
        if (columns > 3) target[place + 3] = TElement.Store(x.W);
    }
}
