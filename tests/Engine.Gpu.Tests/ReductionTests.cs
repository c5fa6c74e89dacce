using Engine.Tensors;
using Engine.Testing;

namespace Engine.Gpu.Tests;

public sealed class ReductionTests
{
    static readonly (int[] Extents, int[] Axes)[] Cases =
    [
        ([1], []), ([7], [0]), ([5, 1, 3], [1]), ([7, 5], [0]), ([7, 5], [1]), ([3, 1000], [1]), ([1000, 3], [0]), ([5, 6, 7, 8], [1, 3]), ([5, 6, 7, 8], [0, 2]),
        ([40, 33, 9], [0, 1]), ([40, 33, 9], []), ([9, 70, 41], [1]), ([2000, 17], [1]), ([2000, 64], [1]), ([2, 70_000], [1]), ([3000, 40], [0]), ([200_000], []), ([1, 6], [0]),
    ];

    static readonly (string Name, Func<Tensor, Tensor> Of)[] Views =
    [
        ("dense", x => x), ("turned", x => x.Rank < 2 ? x : x.Transpose(0, x.Rank - 1)), ("flipped", x => x.Flip(0)), ("every second", x => x.Slice(x.Rank - 1, 0, x.Shape[^1], 2)),
        ("stretched", x => x.Slice(0, 0, 1).Expand(x.Shape)),
    ];

    [Theory]
    [InlineData(DType.Float32, 2e-6)]
    [InlineData(DType.Float64, 1e-14)]
    public void Folds_any_axes_of_any_layout(DType dtype, double tolerance)
    {
        foreach ((int[] extents, int[] axes) in Cases)
        {
            Tensor x = RowsOnDevice.Draw(Shape.Create(extents), 3, 2, dtype);
            foreach ((string name, Func<Tensor, Tensor> view) in Views)
            {
                // The sum of signed numbers is small beside its terms.
                double slack = tolerance * Math.Sqrt(x.ElementCount);
                RowsOnDevice.Agrees(
                    place =>
                    {
                        Tensor seen = view(place(x));
                        return [Reduction.Sum(seen, axes), Reduction.SumOfSquares(seen, axes, true), Reduction.Max(seen, axes), Reduction.Min(seen, axes)];
                    },
                    tolerance, slack, $"{name} {x.Shape} over [{string.Join(", ", axes)}]");
            }
        }
    }

    [Fact]
    public void A_NaN_anywhere_is_the_extreme_of_its_line()
    {
        foreach (Shape shape in (Shape[])[[5, 3], [5, 100], [5, 3000], [100, 9], [3000, 9]])
        {
            foreach (int axis in (int[])[0, 1])
            {
                Tensor x = RowsOnDevice.Draw(shape);
                x.AsSpan<float>()[(int)x.ElementCount - 2] = float.NaN;
                x.AsSpan<float>()[1] = float.NegativeInfinity;
                RowsOnDevice.AgreesExactly(place => [Reduction.Max(place(x), [axis]), Reduction.Min(place(x), [axis])], $"{shape} over {axis}");
            }
        }
    }

    [Fact]
    public void A_long_sum_keeps_its_digits()
    {
        Tensor x = Tensor.Full([1000, 3000], 0.1, DType.Float32, RowsOnDevice.Device);
        Assert.Equal(300_000, Reduction.Sum(x).Item(), 0.1);
        Assert.All(Reduction.Sum(x, [0]).ToArray<float>(), sum => Assert.Equal(100f, sum, 1e-4f));
        Assert.All(Reduction.Sum(x, [1]).ToArray<float>(), sum => Assert.Equal(300f, sum, 3e-4f));
    }

    [Fact]
    public void Sixteen_bit_numbers_fold_in_thirty_two()
    {
        foreach (DType dtype in (DType[])[DType.BFloat16, DType.Float16])
        {
            Tensor x = RowsOnDevice.Draw([70, 300]).To(dtype), there = x.To(RowsOnDevice.Device), y = there.EmptyLike([1, 300]);
            y.Backend.Reduce(default(Sum), there, y);
            TensorAssert.Close(y, Reduction.Sum(x.To(DType.Float32), [0], true).To(dtype), 1e-2, 0, $"{dtype}");
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(300, 7)]
    [InlineData(5, 100)]
    [InlineData(1500, 100)]
    [InlineData(3, 2000)]
    public void The_first_of_the_extremes_is_found(int rows, int length)
    {
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            // Few different numbers: ties everywhere; and some rows with NaNs.
            Tensor x = RowsOnDevice.Places([rows, length], 9).To(DType.Float32);
            for (int i = 11; i < x.ElementCount; i += 97) x.AsSpan<float>()[i] = float.NaN;
            x = x.To(dtype);
            RowsOnDevice.AgreesExactly(
                place => [Reduction.ArgMax(place(x)), Reduction.ArgMin(place(x)), Reduction.ArgMax(place(x), 0), Reduction.MaxWithIndex(place(x)).Values], $"{dtype} [{rows}, {length}]");
        }
    }

    [Theory]
    [InlineData(3, 9, 9)]
    [InlineData(2, 1000, 1)]
    [InlineData(4, 1000, 5)]
    [InlineData(4, 1000, 65)]
    [InlineData(2, 300, 300)]
    [InlineData(1, 70, 64)]
    public void The_largest_come_in_falling_order_and_ties_by_place(int rows, int length, int k)
    {
        Tensor x = RowsOnDevice.Places([rows, length], length / 2 + 1).To(DType.Float32);
        for (int i = 11; i < x.ElementCount; i += 297) x.AsSpan<float>()[i] = float.NaN;
        x.AsSpan<float>()[0] = float.NegativeInfinity;
        foreach (DType dtype in (DType[])[DType.Float32, DType.Float64])
        {
            Tensor typed = x.To(dtype);
            RowsOnDevice.AgreesExactly(
                place =>
                {
                    (Tensor values, Tensor indices) = Reduction.TopK(place(typed), k);
                    return [values, indices];
                },
                $"{k} of {typed}");
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(300, 64)]
    [InlineData(3, 65)]
    [InlineData(3, 1000)]
    [InlineData(2, 50_000)]
    public void Running_sums_are_as_good_as_sums_in_double(int rows, int length)
    {
        Tensor x = RowsOnDevice.Draw([rows, length], 5, 1);
        RowsOnDevice.Agrees(place => [Reduction.CumulativeSum(place(x)), Reduction.CumulativeSum(place(x).Transpose(), 0)], 1.2e-7, 1e-12, $"[{rows}, {length}]");
        Tensor y = x.To(DType.Float64);
        RowsOnDevice.Agrees(place => [Reduction.CumulativeSum(place(y))], 1e-11, 1e-11, $"float64 [{rows}, {length}]");
    }

    [Fact]
    public void A_running_sum_stays_at_infinity_and_NaN()
    {
        foreach (int length in (int[])[20, 700])
        {
            Tensor x = RowsOnDevice.Draw([3, length]);
            x.AsSpan<float>()[5] = float.PositiveInfinity;
            x.AsSpan<float>()[length + 7] = float.NaN;
            x.AsSpan<float>()[2 * length + 3] = float.NegativeInfinity;
            x.AsSpan<float>()[2 * length + 9] = float.PositiveInfinity;
            RowsOnDevice.Agrees(place => [Reduction.CumulativeSum(place(x))], 1.2e-7, 1e-12, $"length {length}");
        }
    }
}
