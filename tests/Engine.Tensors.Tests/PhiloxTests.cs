namespace Engine.Tensors.Tests;

public sealed class PhiloxTests
{
    /// <summary>The vectors that Random123 1.14 publishes for philox4x32-10 (tests/kat_vectors).</summary>
    [Theory]
    [InlineData(0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x00000000u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Gives_the_published_known_answers(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w)
    {
        Assert.Equal(new PhiloxBlock(x, y, z, w), Philox.Bijection(new PhiloxBlock(c0, c1, c2, c3), k0, k1));
        var philox = new Philox((ulong)k1 << 32 | k0, (ulong)c3 << 32 | c2);
        Assert.Equal(new PhiloxBlock(x, y, z, w), philox.At((ulong)c1 << 32 | c0));
    }

    [Fact]
    public void Streams_and_seeds_are_apart()
    {
        var blocks = new HashSet<PhiloxBlock>();
        for (ulong seed = 0; seed < 8; seed++)
            for (ulong stream = 0; stream < 8; stream++)
                for (ulong counter = 0; counter < 8; counter++)
                    Assert.True(blocks.Add(new Philox(seed, stream).At(counter)));
    }

    [Fact]
    public void Uniform_values_have_the_moments_of_the_unit_interval()
    {
        var values = new float[200_001];
        new Philox(3).FillUniform(values);
        Assert.All(values, value => Assert.InRange(value, 0f, 1f - 1f / (1 << 24)));
        Assert.Equal(0.5, values.Average(), 0.003);
        Assert.Equal(1.0 / 12, values.Average(value => (value - 0.5) * (value - 0.5)), 0.001);
    }

    [Fact]
    public void Normal_values_have_the_moments_of_the_standard_normal()
    {
        var values = new float[200_001];
        new Philox(4).FillNormal(values);
        Assert.Equal(0, values.Average(), 0.01);
        Assert.Equal(1, values.Average(value => (double)value * value), 0.015);
        Assert.Equal(3, values.Average(value => Math.Pow(value, 4)), 0.1);
        Assert.Equal(0.3173, values.Count(value => Math.Abs(value) > 1) / (double)values.Length, 0.005);
    }

    [Fact]
    public void Filling_gives_the_values_of_single_places()
    {
        var philox = new Philox(5, 6);
        var uniform = new float[23];
        var normal = new float[23];
        philox.FillUniform(uniform);
        philox.FillNormal(normal);
        for (int i = 0; i < uniform.Length; i++)
        {
            Assert.Equal(philox.Uniform((ulong)i), uniform[i]);
            Assert.Equal(philox.Normal((ulong)i), normal[i]);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public void A_permutation_holds_every_number_once(int count)
    {
        int[] order = new Philox(7).Permutation(count);
        Assert.Equal(Enumerable.Range(0, count), order.Order());
        Assert.Equal(order, new Philox(7).Permutation(count));
        if (count > 2)
            Assert.NotEqual(order, new Philox(8).Permutation(count));
    }

    [Fact]
    public void Every_permutation_of_three_is_equally_likely()
    {
        const int trials = 60_000;
        var counts = new Dictionary<string, int>();
        for (ulong stream = 0; stream < trials; stream++)
        {
            string key = string.Join(' ', new Philox(9, stream).Permutation(3));
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
        Assert.Equal(6, counts.Count);
        // Standard deviation of a count: sqrt(n p (1 - p)) = 91; five of them.
        Assert.All(counts.Values, count => Assert.InRange(count, trials / 6 - 455, trials / 6 + 455));
    }

    [Fact]
    public void A_sequence_reads_the_words_of_its_stream_in_order()
    {
        var philox = new Philox(10, 11);
        var sequence = new PhiloxSequence(philox, start: 2);
        for (ulong counter = 2; counter < 5; counter++)
            for (int lane = 0; lane < 4; lane++)
                Assert.Equal(philox.At(counter)[lane], sequence.NextBits());
    }

    [Fact]
    public void Integers_below_a_bound_reach_all_of_it_and_nothing_else()
    {
        var sequence = new PhiloxSequence(new Philox(12));
        var seen = new int[7];
        for (int i = 0; i < 7000; i++)
            seen[sequence.Below(7)]++;
        Assert.All(seen, count => Assert.InRange(count, 850, 1150));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Philox(12).Below(0, 0));
    }
}
