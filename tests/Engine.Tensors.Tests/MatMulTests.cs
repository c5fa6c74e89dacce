using static Engine.Tensors.Tests.MatMulReference;

namespace Engine.Tensors.Tests;

[Collection("Threads")]
public sealed class MatMulTests : IDisposable
{
    static readonly int[] Extents = [1, 2, 5, 6, 7, 15, 16, 17, 31, 33, 64, 65, 97, 129];

    readonly int threads = ThreadTeam.Threads;

    public void Dispose() => ThreadTeam.Threads = threads;

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Agrees_with_the_plain_sum_for_every_combination_of_odd_sizes(DType dtype)
    {
        foreach (int m in Extents)
            foreach (int k in Extents)
            {
                Tensor a = Random([m, k], dtype, m * 1000 + k);
                foreach (int n in Extents)
                {
                    Tensor b = Random([k, n], dtype, n);
                    AssertClose(Multiply(a, b), Matrices.MatMul(a, b), k, $"{m} x {k} x {n}");
                }
            }
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Reads_operands_and_writes_results_of_any_strides(DType dtype)
    {
        foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 19, 33), (2, 40, 21), (13, 5, 9), (37, 1, 1), (37, 23, 70), (70, 261, 401)])
            foreach (Layout left in Enum.GetValues<Layout>())
                foreach (Layout right in Enum.GetValues<Layout>())
                {
                    Tensor a = Random([m, k], dtype, 1, left), b = Random([k, n], dtype, 2, right);
                    Layout result = (Layout)(((int)left + (int)right) % (int)Layout.SameRow);
                    Tensor y = Random([m, n], dtype, 3, result);
                    Matrices.MatMulInto(a, b, y);
                    AssertClose(Multiply(a, b), y, k, $"{m} x {k} x {n}, {left} times {right} into {result}");
                }
    }

    [Fact]
    public void Leaves_everything_around_a_result_untouched()
    {
        foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 8, 20), (7, 9, 17), (50, 30, 41), (130, 300, 75)])
        {
            Tensor frame = Random([m + 4, n + 6], DType.Float32, 5);
            float[] before = frame.ToArray<float>();
            Matrices.MatMulInto(Random([m, k], DType.Float32, 6), Random([k, n], DType.Float32, 7), frame.Slice(0, 2, m + 2).Slice(1, 3, n + 3));
            float[] after = frame.ToArray<float>();
            for (int i = 0; i < m + 4; i++)
                for (int j = 0; j < n + 6; j++)
                    if (i < 2 || i >= m + 2 || j < 3 || j >= n + 3) Assert.Equal(before[i * (n + 6) + j], after[i * (n + 6) + j]);
        }
    }

    [Fact]
    public void Batches_broadcast()
    {
        foreach ((int[] left, int[] right) in ((int[], int[])[])
            [([3], []), ([], [4]), ([3], [3]), ([2, 1], [5]), ([2, 3], [1, 3]), ([1, 4], [3, 1]), ([40], [1])])
            foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 4, 5), (5, 3, 1), (9, 17, 21), (33, 40, 65)])
                foreach (Layout layout in (Layout[])[Layout.Dense, Layout.Transposed, Layout.Inset])
                {
                    Tensor a = Random([.. left, m, k], DType.Float32, 1, layout), b = Random([.. right, k, n], DType.Float32, 2, layout);
                    Tensor y = Matrices.MatMul(a, b);
                    Assert.Equal(Shape.Broadcast([.. left, m, n], [.. right, m, n], "test"), y.Shape);
                    AssertClose(Multiply(a, b), y, k, $"{a.Shape} times {b.Shape}, {layout}");
                }
    }

    [Fact]
    public void Permuted_batches_of_attention_heads_need_no_copy()
    {
        Tensor query = Random([2, 33, 3, 16], DType.Float32, 1).Permute(0, 2, 1, 3), key = Random([2, 33, 3, 16], DType.Float32, 2).Permute(0, 2, 3, 1);
        AssertClose(Multiply(query, key), Matrices.MatMul(query, key), 16, "scores");
        Tensor context = Random([2, 33, 3, 16], DType.Float32, 3), scores = Matrices.MatMul(query, key);
        Matrices.MatMulInto(scores, query, context.Permute(0, 2, 1, 3));
        AssertClose(Multiply(scores, query), context.Permute(0, 2, 1, 3), 33 * 16, "context");
    }

    [Fact]
    public void Accumulates_into_what_is_there()
    {
        foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 30, 40), (8, 8, 8), (45, 600, 50)])
            foreach (Layout layout in (Layout[])[Layout.Dense, Layout.Transposed, Layout.EverySecondColumn])
            {
                Tensor a = Random([m, k], DType.Float64, 1), b = Random([k, n], DType.Float64, 2), y = Random([m, n], DType.Float64, 3, layout);
                double[] expected = Read(y), product = Multiply(a, b);
                for (int i = 0; i < expected.Length; i++) expected[i] += product[i];
                Matrices.MatMulInto(a, b, y, accumulate: true);
                AssertClose(expected, y, k, $"{m} x {k} x {n}, {layout}");
            }
    }

    [Fact]
    public void Vectors_are_rows_on_the_left_and_columns_on_the_right()
    {
        Tensor v = Random([1, 7], DType.Float32, 1).Squeeze(0), w = Random([7, 5], DType.Float32, 2), batch = Random([3, 4, 7], DType.Float32, 3);
        Tensor vw = Matrices.MatMul(v, w), wtv = Matrices.MatMul(w.Transpose(), v), vv = Matrices.MatMul(v, v), bv = Matrices.MatMul(batch, v);
        Assert.Equal([5], vw.Shape);
        Assert.Equal([5], wtv.Shape);
        Assert.Equal([], vv.Shape);
        Assert.Equal([3, 4], bv.Shape);
        AssertClose(Multiply(v.Unsqueeze(0), w), vw, 7, "row times matrix");
        AssertClose(Multiply(v.Unsqueeze(0), w), wtv, 7, "matrix times column");
        AssertClose(Multiply(v.Unsqueeze(0), v.Unsqueeze(1)), vv, 7, "row times column");
        AssertClose(Multiply(batch, v.Unsqueeze(1)), bv, 7, "batch times column");
    }

    [Fact]
    public void An_inner_extent_of_zero_gives_zeros_and_an_outer_one_gives_nothing()
    {
        Assert.Equal(new float[6], Matrices.MatMul(Tensor.Empty([2, 0]), Tensor.Empty([0, 3])).ToArray<float>());
        Assert.Equal([4, 0, 3], Matrices.MatMul(Tensor.Empty([4, 0, 5]), Tensor.Empty([5, 3])).Shape);
        Assert.Equal([2, 0], Matrices.MatMul(Tensor.Empty([2, 5]), Tensor.Empty([5, 0])).Shape);
        Tensor y = Tensor.From([1f, 2f], [2, 1]);
        Matrices.MatMulInto(Tensor.Empty([2, 0]), Tensor.Empty([0, 1]), y, accumulate: true);
        Assert.Equal([1f, 2f], y.ToArray<float>());
        Tensor bias = Tensor.From([3f, 4f], [2]);
        Assert.Equal([3f, 4f, 3f, 4f], Matrices.Linear(Tensor.Empty([2, 0]), Tensor.Empty([2, 0]), bias).ToArray<float>());
        Assert.Equal(new float[6], Matrices.LinearWeightGradient(Tensor.Empty([0, 2]), Tensor.Empty([0, 3])).ToArray<float>());
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits_every_time()
    {
        foreach ((int m, int k, int n) in ((int, int, int)[])[(1, 700, 3000), (700, 900, 1), (65, 4160, 33), (100, 1000, 500), (128, 1000, 128), (300, 257, 301), (2, 900, 900)])
            foreach (Layout layout in (Layout[])[Layout.Dense, Layout.Transposed])
            {
                Tensor a = Random([m, k], DType.Float32, 1, layout), b = Random([k, n], DType.Float32, 2, layout);
                ThreadTeam.Threads = 1;
                float[] expected = Matrices.MatMul(a, b).ToArray<float>();
                foreach (int team in (int[])[1, 2, 2, 3, 5, 8])
                {
                    ThreadTeam.Threads = team;
                    Assert.Equal(expected, Matrices.MatMul(a, b).ToArray<float>());
                }
            }

        Tensor left = Random([60, 33, 40], DType.Float32, 1), right = Random([60, 40, 35], DType.Float32, 2);
        ThreadTeam.Threads = 1;
        float[] alone = Matrices.MatMul(left, right).ToArray<float>();
        ThreadTeam.Threads = 3;
        Assert.Equal(alone, Matrices.MatMul(left, right).ToArray<float>());
    }

    [Fact]
    public void Says_what_does_not_fit()
    {
        Tensor a = Tensor.Empty([2, 3]), b = Tensor.Empty([4, 5]);
        Assert.Equal("MatMul: inner extents differ: a is [2, 3], b is [4, 5].", Assert.Throws<ShapeException>(() => Matrices.MatMul(a, b)).Message);
        Assert.Throws<ShapeException>(() => Matrices.MatMul(Tensor.Empty([]), b));
        Assert.Throws<ShapeException>(() => Matrices.MatMul(Tensor.Empty([2, 2, 3]), Tensor.Empty([3, 3, 4])));
        Assert.Throws<ShapeException>(() => Matrices.MatMul(a, Tensor.Empty([3, 4], DType.Float64)));
        Assert.Throws<ShapeException>(() => Matrices.MatMul(Tensor.Empty([2, 3], DType.Int32), Tensor.Empty([3, 4], DType.Int32)));
        Assert.Throws<ShapeException>(() => Matrices.MatMulInto(a, Tensor.Empty([3, 4]), Tensor.Empty([2, 5])));
        Assert.Throws<ShapeException>(() => Matrices.Linear(a, b));
        Assert.Throws<ShapeException>(() => Matrices.Linear(a, Tensor.Empty([4, 3]), Tensor.Empty([5])));
        Assert.Throws<ShapeException>(() => Matrices.LinearInputGradient(a, b));
        Assert.Throws<ShapeException>(() => Matrices.LinearWeightGradient(a, b));
        Assert.Throws<ShapeException>(() => Matrices.LinearWeightGradientInto(Tensor.Empty([2, 4]), a, Tensor.Empty([4, 4])));
    }
}
