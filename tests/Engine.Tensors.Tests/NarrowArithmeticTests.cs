using Engine.Testing;

namespace Engine.Tensors.Tests;

/// <summary>Operations on 16-bit floats: the result of float32, rounded once to nearest even; sums and statistics stay float32.</summary>
public sealed class NarrowArithmeticTests
{
    static Tensor Draw(Shape shape, ulong seed, DType type) => RandomNumbers.Normal(shape, new Philox(seed)).To(type);

    static Tensor Wide(Tensor x) => x.To(DType.Float32);

    static void Rounded(Tensor exact, Tensor found, DType type)
    {
        Assert.Equal(type, found.DType);
        Assert.Equal(exact.Shape, found.Shape);
        Assert.Equal(exact.To(type).Doubles(), found.Doubles());
    }

    static void Same(Tensor exact, Tensor found)
    {
        Assert.Equal(DType.Float32, found.DType);
        Assert.Equal(exact.ToArray<float>(), found.ToArray<float>());
    }

    [Theory, InlineData(DType.BFloat16), InlineData(DType.Float16)]
    public void Formulas_broadcast_and_may_write_over_an_operand(DType type)
    {
        Tensor a = Draw([4, 5], 1, type), row = Draw([5], 2, type), column = Draw([4, 1], 3, type);
        Rounded(Wide(a) + Wide(row), a + row, type);
        Rounded(Elementwise.Map<MultiplyAdd>(Wide(a), Wide(row), Wide(column)), Elementwise.Map<MultiplyAdd>(a, row, column), type);
        Rounded(Elementwise.Map<Gelu>(Wide(a).Transpose()), Elementwise.Map<Gelu>(a.Transpose()), type);
        Assert.Equal(Elementwise.Compare(Comparison.Less, Wide(a), Wide(row)).Doubles(), Elementwise.Compare(Comparison.Less, a, row).Doubles());
        Tensor sum = a.Clone();
        Elementwise.MapInto(new Add(), sum, row, sum);
        Rounded(Wide(a) + Wide(row), sum, type);
    }

    [Theory, InlineData(DType.BFloat16), InlineData(DType.Float16)]
    public void Products_round_their_sums_unless_the_result_is_float32(DType type)
    {
        Tensor x = Draw([2, 9, 33], 1, type), weight = Draw([17, 33], 2, type), bias = Draw([17], 3, type), dy = Draw([2, 9, 17], 4, type);
        Rounded(Matrices.Linear(Wide(x), Wide(weight), Wide(bias)), Matrices.Linear(x, weight, bias), type);
        Tensor exact = Matrices.Linear(default(Gelu), Wide(x), Wide(weight), Wide(bias), out Tensor exactSums);
        Rounded(exact, Matrices.Linear(default(Gelu), x, weight, bias, out Tensor sums), type);
        Rounded(exactSums, sums, type);
        Rounded(Matrices.LinearInputGradient(Wide(dy), Wide(weight)), Matrices.LinearInputGradient(dy, weight), type);
        Same(Matrices.LinearWeightGradient(Wide(dy), Wide(x)), Matrices.LinearWeightGradient(dy, x));
        Tensor added = Draw([17, 33], 5, DType.Float32), target = added.Clone();
        Matrices.LinearWeightGradientInto(Wide(dy), Wide(x), added, accumulate: true);
        Matrices.LinearWeightGradientInto(dy, x, target, accumulate: true);
        Same(added, target);
        Tensor narrow = Draw([9, 17], 6, type), before = Wide(narrow);
        Matrices.MatMulInto(x.Select(0, 0), weight.Transpose(), narrow, accumulate: true);
        Matrices.MatMulInto(Wide(x.Select(0, 0)), Wide(weight).Transpose(), before, accumulate: true);
        Rounded(before, narrow, type);
        Rounded(Tensor.Zeros([2, 3]), Matrices.MatMul(Tensor.Empty([2, 0], type), Tensor.Empty([0, 3], type)), type);
    }

    [Fact]
    public void Products_of_two_16_bit_types_are_refused()
    {
        Assert.Throws<ShapeException>(() => Matrices.MatMul(Tensor.Ones([2, 3], DType.BFloat16), Tensor.Ones([3, 2], DType.Float16)));
        Assert.Throws<ShapeException>(() => Matrices.MatMulInto(Tensor.Ones([2, 3], DType.BFloat16), Tensor.Ones([3, 2], DType.BFloat16), Tensor.Empty([2, 2], DType.Float64)));
    }

    [Fact]
    public void Norms_keep_float32_statistics_and_gradients_of_their_vectors()
    {
        Tensor x = Draw([6, 19], 1, DType.BFloat16) + 100, gamma = Draw([19], 2, DType.BFloat16), beta = Draw([19], 3, DType.BFloat16), dy = Draw([6, 19], 4, DType.BFloat16);
        (Tensor exact, Tensor exactMean, Tensor exactRstd) = Normalization.LayerNorm(Wide(x), Wide(gamma), Wide(beta));
        (Tensor y, Tensor mean, Tensor rstd) = Normalization.LayerNorm(x, gamma, beta);
        Rounded(exact, y, DType.BFloat16);
        Same(exactMean, mean);
        Same(exactRstd, rstd);
        (Tensor exactDx, Tensor? exactDgamma, Tensor? exactDbeta) = Normalization.LayerNormGradient(Wide(dy), Wide(x), Wide(gamma), exactMean, exactRstd);
        (Tensor dx, Tensor? dgamma, Tensor? dbeta) = Normalization.LayerNormGradient(dy, x, gamma, mean, rstd);
        Rounded(exactDx, dx, DType.BFloat16);
        Same(exactDgamma!, dgamma!);
        Same(exactDbeta!, dbeta!);
        Rounded(Normalization.RmsNorm(Wide(x), Wide(gamma)).Y, Normalization.RmsNorm(x, gamma).Y, DType.BFloat16);
        Rounded(Normalization.Softmax(Wide(dy), 0), Normalization.Softmax(dy, 0), DType.BFloat16);
        Assert.Throws<ShapeException>(() => Normalization.LayerNormGradient(dy, x, gamma, mean.To(DType.BFloat16), rstd));
    }

    [Fact]
    public void Attention_and_its_gradients_are_those_of_float32_rounded()
    {
        Tensor q = Draw([2, 4, 5, 8], 1, DType.BFloat16), k = Draw([2, 2, 7, 8], 2, DType.BFloat16), v = Draw([2, 2, 7, 8], 3, DType.BFloat16);
        Tensor mask = Draw([1, 4, 5, 7], 4, DType.BFloat16), dy = Draw([2, 4, 5, 8], 5, DType.BFloat16);
        AttentionOptions options = new(0.35f);
        (Tensor exact, Tensor exactStatistics) = Attention.Forward(Wide(q), Wide(k), Wide(v), Wide(mask), options);
        (Tensor y, Tensor statistics) = Attention.Forward(q, k, v, mask, options);
        Rounded(exact, y, DType.BFloat16);
        Same(exactStatistics, statistics);
        var expected = Attention.Gradient(Wide(dy), Wide(q), Wide(k), Wide(v), Wide(mask), options, Wide(y), statistics, wantsMask: true);
        var found = Attention.Gradient(dy, q, k, v, mask, options, y, statistics, wantsMask: true);
        Rounded(expected.DQuery, found.DQuery, DType.BFloat16);
        Rounded(expected.DKey, found.DKey, DType.BFloat16);
        Rounded(expected.DValue, found.DValue, DType.BFloat16);
        Assert.Equal(DType.Float32, found.DMask!.DType);
    }

    [Fact]
    public void Folds_are_float32_and_convolutions_add_their_weight_gradients_so()
    {
        Tensor x = Draw([3, 700], 1, DType.BFloat16);
        Same(Reduction.Sum(Wide(x), [1]), Reduction.Sum(x, [1]));
        Same(Reduction.Mean(Wide(x)), Reduction.Mean(x));
        Same(Reduction.Variance(Wide(x), [0]), Reduction.Variance(x, [0]));
        Same(Reduction.CumulativeSum(Wide(x)), Reduction.CumulativeSum(x));
        Assert.Equal(Reduction.ArgMax(Wide(x)).ToArray<int>(), Reduction.ArgMax(x).ToArray<int>());
        Tensor image = Draw([2, 3, 6, 6], 2, DType.BFloat16), kernel = Draw([4, 3, 3, 3], 3, DType.BFloat16), dy = Draw([2, 4, 4, 4], 4, DType.BFloat16);
        Rounded(Convolution.Conv2d(Wide(image), Wide(kernel)), Convolution.Conv2d(image, kernel), DType.BFloat16);
        Same(Convolution.Conv2dWeightGradient(Wide(dy), Wide(image), kernel.Shape), Convolution.Conv2dWeightGradient(dy, image, kernel.Shape));
        Same(Convolution.Conv2dBiasGradient(Wide(dy)), Convolution.Conv2dBiasGradient(dy));
        Tensor ids = Tensor.From([2, 0, 2, 1, 2], [5]), rows = Draw([5, 4], 5, DType.BFloat16);
        Same(Indexing.EmbeddingGradient(Wide(rows), ids, 3), Indexing.EmbeddingGradient(rows, ids, 3));
        // A device may round at every addition: the last of 8 bits.
        TensorAssert.Close(Wide(Indexing.IndexAdd(Tensor.Zeros([3, 4], DType.BFloat16), 0, ids, rows)), Indexing.IndexAdd(Tensor.Zeros([3, 4]), 0, ids, Wide(rows)), 1.0 / 128, 1.0 / 128, "IndexAdd");
    }

    [Fact]
    public void Integers_are_still_refused() =>
        Assert.Contains("not Int32", Assert.Throws<ShapeException>(() => Tensor.Ones([2], DType.Int32) + Tensor.Ones([2], DType.Int32)).Message);
}
