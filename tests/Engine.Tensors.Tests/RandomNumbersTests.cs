namespace Engine.Tensors.Tests;

public sealed class RandomNumbersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_003)]
    public void Elements_are_those_of_the_sequence(int count)
    {
        Philox random = new(42, 3);
        const ulong offset = 1_000_000_007;
        float[] uniform = RandomNumbers.Uniform([count], random, offset).ToArray<float>(), normal = RandomNumbers.Normal([count], random, offset).ToArray<float>();
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(random.Uniform(offset * 4 + (ulong)i), uniform[i]);

            // A device's own logarithm, sine and cosine differ in the last places.
            Assert.Equal(random.Normal(offset * 4 + (ulong)i), normal[i], Device.Default.Kind == "cpu" ? 0 : 2e-6f);
        }

        Assert.Equal(Array.ConvertAll(normal, v => (double)v), RandomNumbers.Normal([count], random, offset, dtype: DType.Float64).ToArray<double>());
    }

    [Fact]
    public void Uniform_and_normal_have_their_moments()
    {
        Tensor u = RandomNumbers.Uniform([1_000_000], new(1), low: -1, high: 3), n = RandomNumbers.Normal([1_000_000], new(2), mean: 5, deviation: 2);
        Assert.Equal(1, Reduction.Mean(u).Item(), 0.01);
        Assert.Equal(16.0 / 12, Reduction.Variance(u).Item(), 0.01);
        Assert.InRange(Reduction.Min(u).Item(), -1, -0.999);
        Assert.InRange(Reduction.Max(u).Item(), 2.999, 3);
        Assert.Equal(5, Reduction.Mean(n).Item(), 0.01);
        Assert.Equal(4, Reduction.Variance(n).Item(), 0.02);
    }

    [Fact]
    public void Truncated_normals_stay_inside_and_have_the_truncated_variance()
    {
        Tensor x = RandomNumbers.TruncatedNormal([1_000_000], new(1));
        Assert.InRange(Reduction.Min(x).Item(), -2, -1.99);
        Assert.InRange(Reduction.Max(x).Item(), 1.99, 2);
        Assert.Equal(0, Reduction.Mean(x).Item(), 0.005);

        // 1 - 2 * 2 phi(2) / (2 Phi(2) - 1)
        Assert.Equal(0.7737, Reduction.Variance(x).Item(), 0.003);
    }

    [Fact]
    public void A_small_deviation_gives_no_outlier_even_for_the_draw_that_is_zero()
    {
        Tensor lowest = Tensor.Zeros([1]);
        Elementwise.MapInto(new Affine(2, -1 + 1f / (1 << 24)), lowest, lowest);
        Assert.InRange(Elementwise.Map<NormalQuantile>(lowest).Item(), -6, -5);
        Tensor x = RandomNumbers.TruncatedNormal([4_000_000], new(5), deviation: 0.02f);
        Assert.InRange(Reduction.Max(Elementwise.Map<Absolute>(x)).Item(), 0.08, 0.12);
        Assert.Equal(0.0004, Reduction.Variance(x).Item(), 2e-6);
    }

    [Fact]
    public void Refuses_types_without_arithmetic() =>
        Assert.Contains("Int32", Assert.Throws<ShapeException>(() => RandomNumbers.Uniform([3], new(1), dtype: DType.Int32)).Message);
}
