namespace Engine.Tensors.Tests;

public sealed class ReductionTests
{
    static double[] Naive(Sample x, int[] axes, double start, Func<double, double, double> fold)
    {
        Shape kept = Shape.Create([.. Enumerable.Range(0, x.Shape.Rank).Select(a => axes.Contains(a) ? 1 : x.Shape[a])]);
        double[] result = new double[kept.ElementCount];
        Array.Fill(result, start);
        int[] strides = kept.DenseStrides();
        int i = 0;
        foreach (int[] at in Layouts.Coordinates(x.Shape))
        {
            int place = 0;
            for (int axis = 0; axis < at.Length; axis++) place += kept[axis] == 1 ? 0 : at[axis] * strides[axis];
            result[place] = fold(result[place], x.Values[i++]);
        }

        return result;
    }

    public static TheoryData<string, DType> Cases() => MapTests.Cases();

    [Theory, MemberData(nameof(Cases))]
    public void Folds_any_axes_of_any_layout(string layout, DType dtype)
    {
        (int[] Extents, int[] Axes)[] cases =
        [
            ([7], [0]), ([3, 5], [0]), ([3, 5], [1]), ([3, 5], [0, 1]), ([4, 3, 37], [1]), ([4, 3, 37], [0, 2]), ([2, 3, 4, 5], [0, 2]),
            ([2, 3, 4, 5], [1, 3]), ([130, 19], [0]), ([19, 130], [1]), ([2100, 3], [0]), ([3, 2100], [1]), ([1, 6], [0]), ([300, 17, 2], [0, 1]),
            ([2, 1100, 5], [1]), ([70, 600], [0]), ([5, 1, 3], [1]), ([2, 3], []),
        ];
        foreach ((int[] extents, int[] axes) in cases)
        {
            Sample x = Layouts.Make(layout, dtype, 3, extents);
            int[] folded = axes.Length == 0 ? [.. Enumerable.Range(0, extents.Length)] : axes;
            double slack = dtype == DType.Float64 ? 1e-11 : 2e-4;
            Expect.Close(Naive(x, folded, 0, (s, v) => s + v), Reduction.Sum(x.Tensor, axes), 1e-6, slack);
            Expect.Close(Naive(x, folded, 0, (s, v) => s + v * v), Reduction.SumOfSquares(x.Tensor, axes, true), dtype == DType.Float64 ? 1e-12 : 1e-6);
            Expect.Close(Naive(x, folded, double.NegativeInfinity, Math.Max), Reduction.Max(x.Tensor, axes), 0);
            Expect.Close(Naive(x, folded, double.PositiveInfinity, Math.Min), Reduction.Min(x.Tensor, axes), 0);
        }
    }

    [Fact]
    public void Shapes_drop_or_keep_the_folded_axes()
    {
        Tensor x = Tensor.Ones([2, 3, 4]);
        Assert.Equal([2, 4], Reduction.Sum(x, [1]).Shape);
        Assert.Equal([2, 1, 4], Reduction.Sum(x, [-2], true).Shape);
        Assert.Equal([], Reduction.Sum(x).Shape);
        Assert.Equal([1, 1, 1], Reduction.Sum(x, keepAxes: true).Shape);
        Assert.Equal([], Reduction.Sum(Tensor.Scalar(3)).Shape);
        Assert.Equal(24, Reduction.Sum(x).Item());
        Assert.Throws<ShapeException>(() => Reduction.Sum(x, [1, -2]));
        Assert.Throws<ShapeException>(() => Reduction.Sum(x, [3]));
    }

    [Fact]
    public void Nothing_folds_to_what_mathematics_says()
    {
        Tensor none = Tensor.Zeros([0, 3]);
        Assert.Equal([0, 0, 0], Reduction.Sum(none, [0]).ToArray<float>());
        Assert.Equal([], Reduction.Sum(none, [1]).ToArray<float>());
        Assert.True(double.IsNaN(Reduction.Mean(none).Item()));
        Assert.Throws<ShapeException>(() => Reduction.Max(none));
        Assert.Throws<ShapeException>(() => Reduction.Min(none, [0]));
        Assert.Throws<ShapeException>(() => Reduction.ArgMax(none, 0));
    }

    [Theory]
    [InlineData(10_000_000, 1)]
    [InlineData(20_000, 500)]
    [InlineData(500, 20_000)]
    public void Long_float_sums_keep_six_digits(int rows, int columns)
    {
        Tensor x = RandomNumbers.Uniform([rows, columns], new(9));
        float[] values = x.ToArray<float>();
        Expect.Close([values.Sum(v => (double)v)], Reduction.Sum(x), 1e-6);
        double[] byRow = new double[rows], byColumn = new double[columns];
        for (int i = 0; i < values.Length; i++)
        {
            byRow[i / columns] += values[i];
            byColumn[i % columns] += values[i];
        }

        Expect.Close(byRow, Reduction.Sum(x, [1]), 1e-6);
        Expect.Close(byColumn, Reduction.Sum(x, [0]), 1e-6);
    }

    [Fact]
    public void A_sum_of_equal_numbers_does_not_drift()
    {
        Expect.Close([(double)0.1f * 16_777_217], Reduction.Sum(Tensor.Full([16_777_217], 0.1)), 1e-6);
        Expect.Close([(double)0.1f * 1_000_003, (double)0.1f * 1_000_003], Reduction.Sum(Tensor.Full([1_000_003, 2], 0.1), [0]), 1e-6);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(500)]
    [InlineData(9998)]
    public void A_NaN_anywhere_reaches_the_extremes(int place)
    {
        float[] values = new float[9999];
        values[place] = float.NaN;
        Tensor x = Tensor.From(values, [9999]);
        Assert.True(double.IsNaN(Reduction.Max(x).Item()));
        Assert.True(double.IsNaN(Reduction.Min(x).Item()));
        Assert.True(double.IsNaN(Reduction.Max(x.Reshape(9999, 1).Expand([9999, 3]).Contiguous(), [0]).ToArray<float>()[2]));
        Assert.Equal(place, Reduction.ArgMax(x).Item());
        Assert.Equal(place, Reduction.ArgMin(x).Item());
    }

    [Theory, MemberData(nameof(Cases))]
    public void Mean_and_variance_match_their_definition(string layout, DType dtype)
    {
        Sample x = Layouts.Make(layout, dtype, 4, 6, 50);
        double epsilon = dtype == DType.Float64 ? 1e-12 : 1e-5;
        for (int correction = 0; correction < 2; correction++)
        {
            double[] means = new double[6], variances = new double[6];
            for (int row = 0; row < 6; row++)
            {
                double[] values = x.Values[(row * 50)..(row * 50 + 50)];
                means[row] = values.Average();
                variances[row] = values.Sum(v => (v - means[row]) * (v - means[row])) / (50 - correction);
            }

            Expect.Close(means, Reduction.Mean(x.Tensor, [1]), epsilon, 1e-6);
            Expect.Close(variances, Reduction.Variance(x.Tensor, [-1], correction), epsilon, 1e-12);
        }
    }

    [Fact]
    public void Variance_does_not_cancel_far_from_zero()
    {
        Tensor x = Tensor.From<float>([10_000, 10_001, 10_002], [3]);
        Expect.Close([1], Reduction.Variance(x), 1e-6);
    }

    [Fact]
    public void SumTo_undoes_broadcasting()
    {
        Sample x = Layouts.Make("dense", DType.Float64, 3, 2, 3, 4);
        foreach (int[] shape in new int[][] { [2, 3, 4], [3, 4], [1, 3, 1], [4], [], [2, 1, 4], [1, 1, 1] })
        {
            int added = 3 - shape.Length;
            int[] axes = [.. Enumerable.Range(0, 3).Where(a => a < added || shape[a - added] != x.Shape[a])];
            Tensor y = Reduction.SumTo(x.Tensor, Shape.Create(shape));
            Assert.Equal(Shape.Create(shape), y.Shape);
            Expect.Close(Naive(x, axes, 0, (s, v) => s + v), y, 1e-13, 1e-13);
        }

        Assert.Throws<ShapeException>(() => Reduction.SumTo(x.Tensor, [2]));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Places_of_extremes_are_the_first(string layout, DType dtype)
    {
        Sample x = Layouts.Make(layout, dtype, 8, 4, 5, 30);
        for (int axis = 0; axis < 3; axis++)
        {
            (Tensor values, Tensor indices) = Reduction.MaxWithIndex(x.Tensor, axis);
            Expect.Close(Naive(x, [axis], double.NegativeInfinity, Math.Max), values, 0);
            int[] found = indices.ToArray<int>();
            int i = 0;
            foreach (int[] at in Layouts.Coordinates(values.Shape))
            {
                List<int> full = [.. at];
                full.Insert(axis, 0);
                int expected = Enumerable.Range(0, x.Shape[axis]).MaxBy(j => (x.At([.. full.Select((c, a) => a == axis ? j : c)]), -j));
                Assert.Equal(expected, found[i++]);
            }

            Assert.Equal(found, Reduction.ArgMax(x.Tensor, axis).ToArray<int>());
            Expect.Close(Naive(x, [axis], double.PositiveInfinity, Math.Min), Reduction.MinWithIndex(x.Tensor, axis, true).Values, 0);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(300)]
    public void TopK_sorts_ties_by_place(int k)
    {
        Philox random = new(1);
        float[] values = [.. Enumerable.Range(0, 1200).Select(i => (float)random.Below((ulong)i, 40))];
        values[700] = float.NaN;
        Tensor x = Tensor.From(values, [4, 300]);
        (Tensor best, Tensor places) = Reduction.TopK(x, k);
        for (int row = 0; row < 4; row++)
        {
            int[] order = [.. Enumerable.Range(0, 300).OrderByDescending(i => float.IsNaN(values[row * 300 + i]) ? 1e9 : values[row * 300 + i]).ThenBy(i => i).Take(k)];
            Assert.Equal(order, places.ToArray<int>()[(row * k)..(row * k + k)]);
            Assert.Equal(order.Select(i => values[row * 300 + i]), best.ToArray<float>()[(row * k)..(row * k + k)]);
        }

        Assert.Equal(Reduction.TopK(x.Transpose(), k, 0).Indices.Transpose().ToArray<int>(), places.ToArray<int>());
        Assert.Throws<ShapeException>(() => Reduction.TopK(x, 301));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Running_sums_go_along_any_axis(string layout, DType dtype)
    {
        Sample x = Layouts.Make(layout, dtype, 8, 3, 4, 5);
        for (int axis = 0; axis < 3; axis++)
        {
            int stride = x.Shape.DenseStrides()[axis];
            double[] expected = [.. x.Values];
            for (int i = 0; i < expected.Length; i++)
                if (i / stride % x.Shape[axis] > 0) expected[i] += expected[i - stride];
            Expect.Close(expected, Reduction.CumulativeSum(x.Tensor, axis), Expect.Epsilon(dtype), 1e-6);
        }
    }
}
