namespace Engine.Tensors.Tests;

public sealed class IndexingTests
{
    static int[] Places(Shape shape, int bound, ulong seed) =>
        [.. Enumerable.Range(0, (int)shape.ElementCount).Select(i => new Philox(seed).Below((ulong)i, bound))];

    public static TheoryData<string, DType> Cases() => MapTests.Cases();

    [Theory, MemberData(nameof(Cases))]
    public void Gathers_and_scatters_along_any_axis(string layout, DType dtype)
    {
        Sample x = Layouts.Make(layout, dtype, 2, 4, 5, 6);
        for (int axis = 0; axis < 3; axis++)
        {
            Shape shape = [axis == 0 ? 9 : 3, axis == 1 ? 9 : 4, axis == 2 ? 9 : 5];
            int[] places = Places(shape, x.Shape[axis], 3);
            Tensor index = Tensor.From(places, shape);
            double[] gathered = new double[places.Length];
            Sample source = Layouts.Make(layout, dtype, 5, [.. shape]);
            double[] scattered = [.. x.Values];
            int i = 0;
            foreach (int[] at in Layouts.Coordinates(shape))
            {
                int[] there = [.. at];
                there[axis] = places[i];
                gathered[i] = x.At(there);
                scattered[(there[0] * 5 + there[1]) * 6 + there[2]] += source.Values[i++];
            }

            Expect.Close(gathered, Indexing.Gather(x.Tensor, axis - 3, index), 0);
            Expect.Close(gathered, Indexing.Gather(x.Tensor, axis, index.To(DType.Int64)), 0);
            Expect.Close(scattered, Indexing.ScatterAdd(x.Tensor, axis, index, source.Tensor), Expect.Epsilon(dtype), 1e-5);
            Expect.Close(x.Values, x.Tensor, 0);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Selects_and_adds_slices_along_any_axis(string layout, DType dtype)
    {
        Sample x = Layouts.Make(layout, dtype, 2, 4, 5, 6);
        for (int axis = 0; axis < 3; axis++)
        {
            int[] places = Places([11], x.Shape[axis], 3);
            Tensor index = Tensor.From(Array.ConvertAll(places, p => (long)p), [11]);
            Sample source = Layouts.Make(layout, dtype, 6, [.. x.Shape.With(axis, 11)]);
            double[] added = [.. x.Values];
            List<double> selected = [];
            foreach (int[] at in Layouts.Coordinates(source.Shape))
            {
                int[] there = [.. at];
                there[axis] = places[at[axis]];
                selected.Add(x.At(there));
                added[(there[0] * 5 + there[1]) * 6 + there[2]] += source.At(at);
            }

            Expect.Close([.. selected], Indexing.IndexSelect(x.Tensor, axis, index), 0);
            Expect.Close(added, Indexing.IndexAdd(x.Tensor, axis, index, source.Tensor), Expect.Epsilon(dtype), 1e-5);
        }
    }

    [Fact]
    public void Selects_from_every_element_type()
    {
        Tensor index = Tensor.From([2, 0], [2]);
        foreach (DType dtype in Enum.GetValues<DType>())
        {
            Tensor x = Tensor.From([0, 1, 1, 0, 1, 1], [3, 2]).To(dtype);
            Assert.Equal([1, 1, 0, 1], Indexing.IndexSelect(x, 0, index).To(DType.Int32).ToArray<int>());
            Assert.Equal([1, 0], Indexing.Gather(x, 1, Tensor.From([1, 0], [1, 2])).To(DType.Int32).ToArray<int>());
        }
    }

    [Fact]
    public void Embedding_rows_that_occur_twice_add_their_gradients()
    {
        Tensor table = RandomNumbers.Normal([5, 300], new(1)), ids = Tensor.From([4L, 1, 4, 0, 4, 1], [2, 3]);
        Tensor y = Indexing.Embedding(table, ids);
        Assert.Equal([2, 3, 300], y.Shape);
        Assert.Equal(table.Select(0, 1).ToArray<float>(), y.Select(0, 1).Select(0, 2).ToArray<float>());
        Tensor dtable = Indexing.EmbeddingGradient(Tensor.Ones(y.Shape), ids, 5);
        Assert.Equal([1, 2, 0, 0, 3], dtable.Slice(1, 299, 300).ToArray<float>());
        Assert.Equal([0, 300], Indexing.Embedding(table, Tensor.Zeros([0], DType.Int32)).Shape);
    }

    [Fact]
    public void Large_index_adds_match_a_loop()
    {
        int[] places = Places([3000], 50, 1);
        Tensor source = RandomNumbers.Normal([3000, 70], new(2));
        float[] added = source.ToArray<float>();
        double[] expected = new double[50 * 70];
        for (int i = 0; i < added.Length; i++) expected[places[i / 70] * 70 + i % 70] += added[i];
        Expect.Close(expected, Indexing.IndexAdd(Tensor.Zeros([50, 70]), 0, Tensor.From(places, [3000]), source), 1e-5, 1e-4);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(-1)]
    [InlineData(1L << 40)]
    public void An_index_outside_says_so_and_changes_nothing(long wrong)
    {
        Tensor x = Tensor.Zeros([5, 2]), index = Tensor.From([0L, wrong], [2]), wide = index.Reshape(2, 1).Expand([2, 2]);
        foreach (Action action in new Action[]
        {
            () => Indexing.IndexSelect(x, 0, index), () => Indexing.IndexAdd(x, 0, index, Tensor.Ones([2, 2])),
            () => Indexing.Gather(x, 0, wide), () => Indexing.ScatterAdd(x, 0, wide, Tensor.Ones([2, 2])), () => Indexing.Embedding(x, index),
        })
            Assert.Contains("5", Assert.Throws<ShapeException>(() => AndWait(action)).Message);
        if (Device.Default.Kind == "cpu") Assert.All(x.ToArray<float>(), v => Assert.Equal(0, v));
    }

    // A GPU says so at the latest when it is waited for; what it computed until then is not valid.
    static void AndWait(Action action)
    {
        action();
        Device.Default.Backend.Synchronize();
    }

    [Fact]
    public void Refuses_an_index_that_is_no_index()
    {
        Assert.Contains("Float32", Assert.Throws<ShapeException>(() => Indexing.Gather(Tensor.Zeros([2]), 0, Tensor.Zeros([2]))).Message);
        Assert.Throws<ShapeException>(() => Indexing.Gather(Tensor.Zeros([2, 2]), 0, Tensor.Zeros([2, 3], DType.Int32)));
        Assert.Throws<ShapeException>(() => Indexing.IndexSelect(Tensor.Zeros([2, 2]), 0, Tensor.Zeros([2, 3], DType.Int32)));
    }
}
