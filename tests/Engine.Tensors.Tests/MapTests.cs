namespace Engine.Tensors.Tests;

public sealed class MapTests
{
    static readonly int[][] Extents = [[], [1], [5], [7, 3], [3, 130], [2, 3, 67], [4, 1, 5, 9], [0, 4], [3, 0], [40, 1100]];

    public static TheoryData<string, DType> Cases()
    {
        TheoryData<string, DType> cases = [];
        foreach (string layout in Layouts.All)
        {
            cases.Add(layout, DType.Float32);
            cases.Add(layout, DType.Float64);
        }

        return cases;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Unary_formulas_see_every_layout(string layout, DType dtype)
    {
        foreach (int[] extents in Extents)
        {
            Sample x = Layouts.Make(layout, dtype, 1, extents);
            Expect.Close(Array.ConvertAll(x.Values, v => v * v), Elementwise.Map<Square>(x.Tensor), Expect.Epsilon(dtype));
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Binary_formulas_see_every_pair_of_layouts(string layout, DType dtype)
    {
        foreach (int[] extents in Extents)
        {
            foreach (string other in Layouts.All)
            {
                Sample a = Layouts.Make(layout, dtype, 1, extents), b = Layouts.Make(other, dtype, 2, extents);
                double[] expected = new double[a.Values.Length];
                for (int i = 0; i < expected.Length; i++) expected[i] = a.Values[i] - b.Values[i];
                Expect.Close(expected, a.Tensor - b.Tensor, Expect.Epsilon(dtype), 1e-7);
            }
        }
    }

    [Theory]
    [InlineData(new[] { 5, 1, 7 }, new[] { 4, 1 })]
    [InlineData(new[] { 3, 200 }, new[] { 200 })]
    [InlineData(new[] { 3, 200 }, new[] { 3, 1 })]
    [InlineData(new[] { 6, 2, 3 }, new int[] { })]
    [InlineData(new[] { 1, 1 }, new[] { 2, 0, 3 })]
    public void Shapes_broadcast(int[] left, int[] right)
    {
        foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
        {
            Sample a = Layouts.Make("dense", dtype, 1, left), b = Layouts.Make("dense", dtype, 2, right);
            foreach ((Sample p, Sample q) in new[] { (a, b), (b, a) })
            {
                Tensor y = p.Tensor / q.Tensor;
                double[] expected = [.. Layouts.Coordinates(y.Shape).Select(at => p.At(at) / q.At(at))];
                Expect.Close(expected, y, Expect.Epsilon(dtype));
            }
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Ternary_formulas_broadcast_and_see_every_layout(string layout, DType dtype)
    {
        Sample a = Layouts.Make(layout, dtype, 1, 3, 4, 70), b = Layouts.Make(layout, dtype, 2, 4, 1), c = Layouts.Make(layout, dtype, 3, 3, 1, 70);
        Tensor y = Elementwise.Map<MultiplyAdd>(a.Tensor, b.Tensor, c.Tensor);
        Expect.Close([.. Layouts.Coordinates(y.Shape).Select(at => a.At(at) * b.At(at) + c.At(at))], y, Expect.Epsilon(dtype), 1e-6);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Results_go_into_every_layout_and_over_an_operand(string layout, DType dtype)
    {
        if (layout == "expanded") return;
        Sample a = Layouts.Make(layout, dtype, 1, 9, 75), b = Layouts.Make("permuted", dtype, 2, 9, 75);
        double[] expected = [.. a.Values.Zip(b.Values, (p, q) => p * q)];
        Elementwise.MapInto(default(Multiply), a.Tensor, b.Tensor, a.Tensor);
        Expect.Close(expected, a.Tensor, Expect.Epsilon(dtype));
        Elementwise.MapInto(default(Negate), a.Tensor, a.Tensor);
        Expect.Close(Array.ConvertAll(expected, v => -v), a.Tensor, Expect.Epsilon(dtype));
    }

    [Fact]
    public void Writing_into_a_view_leaves_its_surroundings_alone()
    {
        Tensor whole = Tensor.Full([4, 100], 7);
        Tensor view = whole.Slice(1, 10, 90, 3);
        Elementwise.MapInto(default(Negate), view, view);
        float[] found = whole.ToArray<float>();
        for (int i = 0; i < found.Length; i++)
            Assert.Equal(i % 100 is >= 10 and < 90 && (i % 100 - 10) % 3 == 0 ? -7 : 7, found[i]);
    }

    [Fact]
    public void An_element_does_not_depend_on_where_it_stands()
    {
        Tensor x = RandomNumbers.Normal([4099], new(3));
        float[] whole = Elementwise.Map<Gelu>(x).ToArray<float>();
        foreach ((int start, int count) in new[] { (0, 1), (1, 7), (3, 100), (17, 2049), (4098, 1) })
            Assert.Equal(whole[start..(start + count)], Elementwise.Map<Gelu>(x.Slice(0, start, start + count)).ToArray<float>());
        Assert.Equal(whole.Reverse(), Elementwise.Map<Gelu>(x.Flip(0)).ToArray<float>());
    }

    [Fact]
    public void Operators_take_numbers_on_both_sides()
    {
        Tensor x = Tensor.From<float>([1, 2, 4], [3]);
        Assert.Equal([3, 4, 6], (x + 2).ToArray<float>());
        Assert.Equal([3, 4, 6], (2 + x).ToArray<float>());
        Assert.Equal([-1, 0, 2], (x - 2).ToArray<float>());
        Assert.Equal([1, 0, -2], (2 - x).ToArray<float>());
        Assert.Equal([3, 6, 12], (x * 3).ToArray<float>());
        Assert.Equal([3, 6, 12], (3 * x).ToArray<float>());
        Assert.Equal([1f / 3, 2f / 3, 4f / 3], (x / 3).ToArray<float>());
        Assert.Equal([8, 4, 2], (8 / x).ToArray<float>());
        Assert.Equal([-1, -2, -4], (-x).ToArray<float>());
    }

    [Fact]
    public void Refuses_operands_that_do_not_fit()
    {
        Tensor single = Tensor.Zeros([2, 3]), wide = Tensor.Zeros([2, 3], DType.Float64), whole = Tensor.Zeros([2, 3], DType.Int32);
        string message = Assert.Throws<ShapeException>(() => single + wide).Message;
        Assert.Contains("Float32", message);
        Assert.Contains("Float64", message);
        Assert.Contains("[2, 3]", Assert.Throws<ShapeException>(() => single * Tensor.Zeros([4, 3])).Message);
        Assert.Contains("Int32", Assert.Throws<ShapeException>(() => -whole).Message);
        Assert.Throws<ShapeException>(() => Elementwise.MapInto(default(Add), Tensor.Zeros([2, 3]), single, Tensor.Zeros([3])));
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    [InlineData(DType.Int32)]
    [InlineData(DType.Int64)]
    [InlineData(DType.Float16)]
    public void Compares_every_type_with_broadcasting(DType dtype)
    {
        double[] left = [-3, 0, 1, 2, 5, 7], right = [0, 2];
        Tensor a = Tensor.From(left, [3, 2]).To(dtype), b = Tensor.From(right, [2]).To(dtype);
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(left[i] < right[i % 2] ? 1 : 0, Elementwise.Compare(Comparison.Less, a, b).Doubles()[i]);
            Assert.Equal(left[i] <= right[i % 2] ? 1 : 0, Elementwise.Compare(Comparison.LessOrEqual, a, b).Doubles()[i]);
            Assert.Equal(left[i] == right[i % 2] ? 1 : 0, Elementwise.Compare(Comparison.Equal, a, b).Doubles()[i]);
        }
    }

    [Fact]
    public void Nothing_compares_with_NaN()
    {
        Tensor nan = Tensor.Scalar(double.NaN), one = Tensor.Scalar(1);
        foreach (Comparison comparison in Enum.GetValues<Comparison>())
        {
            Assert.Equal(0, Elementwise.Compare(comparison, nan, one).Doubles()[0]);
            Assert.Equal(0, Elementwise.Compare(comparison, nan, nan).Doubles()[0]);
        }
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Int64)]
    [InlineData(DType.Bool)]
    public void Selects_elements_of_every_size(DType dtype)
    {
        bool[] flags = [true, false, false, true, false, true];
        Tensor condition = Tensor.From(flags, [2, 3]), a = Tensor.Full([2, 1], 1, dtype), b = Tensor.Zeros([3], dtype);
        Assert.Equal(flags.Select(f => f ? 1.0 : 0.0), Elementwise.Select(condition, a, b).Doubles());
        Assert.Equal(flags.Where((_, i) => i % 3 != 1).Select(f => f ? 1.0 : 0.0), Elementwise.Select(condition.Slice(1, 0, 3, 2), a, b.Slice(0, 0, 2)).Doubles());
        Assert.Contains("Bool", Assert.Throws<ShapeException>(() => Elementwise.Select(Tensor.Zeros([2, 3]), a, b)).Message);
    }

    [Fact]
    public void Fills_where_a_mask_holds()
    {
        Tensor mask = Tensor.From([true, false, true], [3]);
        Tensor y = Elementwise.MaskedFill(Tensor.Ones([2, 3]), mask, double.NegativeInfinity);
        Assert.Equal([float.NegativeInfinity, 1, float.NegativeInfinity, float.NegativeInfinity, 1, float.NegativeInfinity], y.ToArray<float>());
    }
}
