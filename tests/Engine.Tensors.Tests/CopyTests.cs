namespace Engine.Tensors.Tests;

public sealed class CopyTests
{
    static readonly DType[] Types = Enum.GetValues<DType>();

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Dense_copies_of_every_layout_hold_the_same_elements(DType dtype)
    {
        foreach (int[] extents in new[] { [], [1], new[] { 9 }, [5, 3], [70, 41], [33, 2, 65], [3, 4, 5, 6], [0, 2], [100, 700] })
        {
            foreach (string layout in Layouts.All)
            {
                Sample x = Layouts.Make(layout, dtype, 5, extents);
                Expect.Close(x.Values, x.Tensor.Clone(), 0);
            }
        }
    }

    [Theory]
    [InlineData(0, 1, 2, 3)]
    [InlineData(0, 2, 1, 3)]
    [InlineData(3, 2, 1, 0)]
    [InlineData(1, 3, 0, 2)]
    [InlineData(0, 1, 3, 2)]
    public void Copies_between_two_permuted_layouts(int a, int b, int c, int d)
    {
        foreach (DType dtype in Types)
        {
            Tensor x = Tensor.From(Enumerable.Range(0, 3 * 9 * 17 * 10).Select(i => i % 97).ToArray(), [3, 9, 17, 10]).To(dtype).Permute(a, b, c, d);
            Tensor y = Tensor.Zeros([x.Shape[3], x.Shape[1], x.Shape[0], x.Shape[2]], dtype).Permute(2, 1, 3, 0);
            y.CopyFrom(x);
            Assert.Equal(x.To(DType.Int32).ToArray<int>(), y.To(DType.Int32).ToArray<int>());
        }
    }

    [Fact]
    public void Converts_between_all_types()
    {
        double[] values = [0, 1, 2, 3, 100, 127];
        foreach (DType from in Types)
        {
            foreach (DType to in Types)
            {
                Tensor x = Tensor.From(values, [2, 3]).To(from), y = x.Transpose().To(to);
                bool flags = from == DType.Bool || to == DType.Bool;
                double[] expected = [0, 3, 1, 100, 2, 127];
                Assert.Equal(flags ? Array.ConvertAll(expected, v => v == 0 ? 0.0 : 1) : expected, y.To(DType.Float64).ToArray<double>());
            }
        }
    }

    [Fact]
    public void Integers_saturate_and_floats_are_cut_toward_zero()
    {
        Tensor x = Tensor.From([1e10, -1e10, 2.9, -2.9, double.NaN, double.PositiveInfinity], [6]);
        Assert.Equal([int.MaxValue, int.MinValue, 2, -2, 0, int.MaxValue], x.To(DType.Int32).ToArray<int>());
        Assert.Equal([10_000_000_000, -10_000_000_000, 2, -2, 0, long.MaxValue], x.To(DType.Int64).ToArray<long>());
        Assert.Equal([int.MaxValue, int.MinValue], Tensor.From([1L << 40, -(1L << 40)], [2]).To(DType.Int32).ToArray<int>());
    }

    [Fact]
    public void Brain_floats_round_to_nearest_even()
    {
        // 1 + 2^-8 lies between 1 and 1 + 2^-7: to the even one, 1. Three quarters of the way goes up, 1 + 3 * 2^-8 ties up to even.
        float[] values = [1 + 1f / 256, 1 + 3f / 512, 1 + 3f / 256, -1 - 1f / 256, float.PositiveInfinity, float.MaxValue, 1e-40f, 0, -0f];
        ushort[] expected = [0x3F80, 0x3F81, 0x3F82, 0xBF80, 0x7F80, 0x7F80, 0x0001, 0, 0x8000];
        foreach (int repeat in new[] { 1, 40 })
        {
            float[] many = [.. Enumerable.Repeat(values, repeat).SelectMany(v => v)];
            Assert.Equal(Enumerable.Repeat(expected, repeat).SelectMany(v => v), Tensor.From(many, [many.Length]).To(DType.BFloat16).ToArray<ushort>());
        }

        Assert.Equal(expected[..4], Tensor.From(Array.ConvertAll(values[..4], v => (double)v), [4]).To(DType.BFloat16).ToArray<ushort>());
        Assert.True(float.IsNaN(Tensor.From([float.NaN], [1]).To(DType.BFloat16).To(DType.Float32).ToArray<float>()[0]));

        // Rounding to float first would see a tie here.
        Assert.Equal([(ushort)0x3F81], Tensor.From([1 + 1.0 / 256 + 1e-12], [1]).To(DType.BFloat16).ToArray<ushort>());
        Assert.Equal([(ushort)0x3F81], Tensor.From([1 + 3.0 / 256 - 1e-12], [1]).To(DType.BFloat16).ToArray<ushort>());
    }

    [Fact]
    public void Every_brain_float_and_every_half_survives_the_way_to_float_and_back()
    {
        ushort[] bits = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i).Where(b => (b & 0x7FFF) <= 0x7F80)];
        Assert.Equal(bits, Tensor.From(bits, [bits.Length]).To(DType.Float32).To(DType.BFloat16).ToArray<ushort>());
        Half[] halves = [.. Enumerable.Range(0, 65536).Select(i => BitConverter.UInt16BitsToHalf((ushort)i)).Where(h => !Half.IsNaN(h))];
        Tensor wide = Tensor.From(halves, [halves.Length]).To(DType.Float32);
        Assert.Equal(halves, wide.To(DType.Float16).ToArray<Half>());
        Assert.Equal(halves, wide.To(DType.Float64).To(DType.Float16).ToArray<Half>());
    }

    [Fact]
    public void Halves_round_to_nearest_even()
    {
        float[] values = [1 + 1f / 2048, 1 + 3f / 2048, 65519, 65520, 1e-8f];
        Half[] expected = [(Half)1, (Half)(1 + 2f / 1024), (Half)65504, Half.PositiveInfinity, (Half)0];
        Assert.Equal(expected, Tensor.From(values, [5]).To(DType.Float16).ToArray<Half>());
    }

    [Fact]
    public void Fills_every_type_in_any_layout()
    {
        foreach (DType dtype in Types)
        {
            Tensor whole = Tensor.Zeros([3, 10], dtype);
            whole.Backend.Fill(1, whole.Slice(1, 1, 9, 2).Transpose());
            double[] found = whole.To(DType.Float64).ToArray<double>();
            for (int i = 0; i < 30; i++) Assert.Equal(i % 10 is 1 or 3 or 5 or 7 ? 1 : 0, found[i]);
        }
    }
}
