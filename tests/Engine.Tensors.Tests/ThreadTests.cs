namespace Engine.Tensors.Tests;

[CollectionDefinition("threads", DisableParallelization = true)]
public sealed class ThreadCollection;

/// <summary>The same bits for any number of threads. Alone in the process: the number of threads is global.</summary>
[Collection("threads")]
public sealed class ThreadTests
{
    static void Same(Func<Tensor> compute)
    {
        int before = ThreadTeam.Threads;
        try
        {
            ThreadTeam.Threads = 1;
            float[] one = compute().ToArray<float>();
            foreach (int threads in new[] { 2, 3, 5 })
            {
                ThreadTeam.Threads = threads;
                Assert.Equal(one.AsSpan().ToArray().Select(BitConverter.SingleToInt32Bits), compute().ToArray<float>().Select(BitConverter.SingleToInt32Bits));
            }
        }
        finally
        {
            ThreadTeam.Threads = before;
        }
    }

    static readonly Tensor Wide = RandomNumbers.Normal([300, 1111], new(1));

    [Fact]
    public void Maps_do_not_depend_on_threads()
    {
        Same(() => Elementwise.Map<Gelu>(Wide));
        Same(() => Elementwise.Map<Gelu>(Wide.Transpose()));
        Same(() => Wide * Wide.Slice(0, 3, 4));
        Same(() => Elementwise.Map<SwiGlu>(Wide.Slice(1, 0, 500), Wide.Slice(1, 600, 1100)));
    }

    [Fact]
    public void Folds_do_not_depend_on_threads()
    {
        Same(() => Reduction.Sum(Wide));
        Same(() => Reduction.Sum(Wide, [0]));
        Same(() => Reduction.Sum(Wide, [1]));
        Same(() => Reduction.Sum(Wide.Transpose(), [1]));
        Same(() => Reduction.Sum(Wide.Reshape(30, 10, 1111), [0, 2]));
        Same(() => Reduction.Sum(RandomNumbers.Normal([5000, 100], new(2)), [0]));
        Same(() => Reduction.SumOfSquares(RandomNumbers.Normal([3_000_001], new(2))));
    }

    [Fact]
    public void Random_numbers_copies_and_scatters_do_not_depend_on_threads()
    {
        Same(() => RandomNumbers.Normal([100_001], new(3)));
        Same(() => Wide.Transpose().Clone());
        int[] places = [.. Enumerable.Range(0, 4000).Select(i => new Philox(1).Below((ulong)i, 20))];
        Tensor source = RandomNumbers.Normal([4000, 65], new(4));
        Same(() => Indexing.IndexAdd(Tensor.Zeros([20, 65]), 0, Tensor.From(places, [4000]), source));
        Same(() => Indexing.ScatterAdd(Tensor.Zeros([20, 65]), 0, Tensor.From(places, [4000, 1]).Expand([4000, 65]), source));
    }
}
