using Engine.Tensors;

namespace Engine.Models.Tests;

/// <summary>What is drawn, by way of a model whose scores are known: a tied embedding that gives every token one row.</summary>
public sealed class SamplingTests
{
    const int Draws = 20000;

    // Scores 0 to -4.5 in steps of a half, not in order, for ten tokens.
    static readonly double[] Scores = [.. Enumerable.Range(0, 10).Select(i => -0.5 * (i * 7 % 10))];

    public static TheoryData<double, int, double> Rules => new()
    {
        { 1, 0, 1 }, { 0.5, 0, 1 }, { 2, 0, 1 }, { 1, 1, 1 }, { 1, 3, 1 }, { 1, 10, 1 }, { 1, 50, 1 }, { 1, 0, 0.5 }, { 1, 0, 0.9 }, { 0.7, 0, 0.999 }, { 1.5, 4, 0.8 }, { 1, 0, 1e-9 },
    };

    [Theory, MemberData(nameof(Rules))]
    public void Tokens_come_as_often_as_they_should(double temperature, int k, double p)
    {
        double[] expected = Distribution(temperature, k, p);
        int[] counts = new int[10];
        GenerationOptions options = new() { Temperature = temperature, TopK = k, TopP = p };
        float[] scores = Array.ConvertAll(Scores, score => (float)score);
        Philox random = new(7);
        for (int i = 0; i < Draws; i++) counts[Sampling.Draw(scores, options, Sampling.Uniform(random, i))]++;
        for (int token = 0; token < 10; token++)
        {
            // Five deviations of the binomial; a token that may not come never does.
            double deviation = Math.Sqrt(Draws * expected[token] * (1 - expected[token]));
            Assert.InRange(counts[token], Draws * expected[token] - 5 * deviation - 1e-6, Draws * expected[token] + 5 * deviation + 1e-6);
        }
    }

    // The definitions, one after the other, on the sorted distribution.
    static double[] Distribution(double temperature, int k, double p)
    {
        double[] weights = [.. Scores.Select(score => Math.Exp(score / temperature))];
        int[] order = [.. Enumerable.Range(0, 10).OrderByDescending(i => weights[i])];
        int[] kept = k == 0 ? order : [.. order.Take(k)];
        double total = kept.Sum(i => weights[i]), mass = 0;
        List<int> nucleus = [];
        foreach (int i in kept)
        {
            nucleus.Add(i);
            mass += weights[i] / total;
            if (mass >= p) break;
        }

        double left = nucleus.Sum(i => weights[i]);
        return [.. Enumerable.Range(0, 10).Select(i => nucleus.Contains(i) ? weights[i] / left : 0)];
    }

    [Fact]
    public void Temperature_zero_takes_the_likeliest_and_the_first_of_equals()
    {
        Assert.Equal(0, Sampling.Draw([0, -1, 0], new(), 0.99));
        Assert.Equal(2, Sampling.Largest([float.NegativeInfinity, -1, 3, 3]));
    }

    [Fact]
    public void A_token_that_is_ruled_out_never_comes()
    {
        float[] scores = [float.NegativeInfinity, 0, float.NegativeInfinity];
        foreach (GenerationOptions options in (GenerationOptions[])[new() { Temperature = 1 }, new() { Temperature = 1, TopK = 2 }, new() { Temperature = 1, TopP = 0.99 }])
            for (int i = 0; i < 50; i++) Assert.Equal(1, Sampling.Draw(scores, options, i / 50.0));
    }

    [Fact]
    public void A_large_vocabulary_is_cut_at_the_same_place()
    {
        Philox random = new(3);
        float[] scores = [.. Enumerable.Range(0, 5000).Select(i => 12 * random.Normal((ulong)i))];
        double[] weights = [.. scores.Select(score => Math.Exp(score - scores.Max()))];
        int[] order = [.. Enumerable.Range(0, 5000).OrderByDescending(i => weights[i])];
        double last = 0;
        int drawn = Sampling.Draw(scores, new() { Temperature = 1, TopK = 40 }, 1 - 1e-15);
        Assert.Equal(order[39], drawn);
        foreach (int i in order)
        {
            drawn = i;
            if ((last += weights[i] / weights.Sum()) >= 0.95) break;
        }

        Assert.Equal(drawn, Sampling.Draw(scores, new() { Temperature = 1, TopP = 0.95 }, 1 - 1e-15));
    }

    [Fact]
    public void The_penalty_weakens_what_came_whatever_its_sign()
    {
        float[] scores = [2, -2, 0, 3];
        Sampling.Penalize(scores, new HashSet<int> { 0, 1, 2, 9 }, 1.25);
        Assert.Equal([1.6f, -2.5f, 0, 3], scores);
    }

    [Fact]
    public void Uniform_values_have_the_bits_of_a_double()
    {
        Philox random = new(1);
        double[] values = [.. Enumerable.Range(0, 1000).Select(i => Sampling.Uniform(random, i))];
        Assert.All(values, value => Assert.InRange(value, 0, Math.BitDecrement(1.0)));
        Assert.Contains(values, value => value * (1 << 30) != Math.Floor(value * (1 << 30)));
        Assert.InRange(values.Average(), 0.46, 0.54);
    }
}
