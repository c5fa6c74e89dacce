using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// From scores to a token. The rules act in the order in which transformers applies them: penalty, temperature, top-k, top-p.
/// Among equal scores the lower number comes first.
/// </summary>
static class Sampling
{
    // By how much the bar is lowered when too few candidates pass it: exp(-3) at a time finds them in a few passes.
    const double BarStep = 3;

    /// <summary>The likeliest token.</summary>
    public static int Largest(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best] || float.IsNaN(scores[best])) best = i;
        return best;
    }

    /// <summary>
    /// Repetition penalty (Keskar et al. 2019, section 4.1) with transformers' correction: a negative score is multiplied, so that the
    /// penalty always weakens. A token counts once, however often it came.
    /// </summary>
    public static void Penalize(Span<float> scores, IEnumerable<int> tokens, double penalty)
    {
        if (penalty == 1) return;
        foreach (int token in tokens)
            if (token < scores.Length) scores[token] = (float)(scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty);
    }

    /// <summary>Draws a token.</summary>
    /// <param name="scores">[V], finite or minus infinity.</param>
    /// <param name="options">Temperature, top-k and top-p.</param>
    /// <param name="uniform">Of [0, 1): where in the distribution.</param>
    public static int Draw(ReadOnlySpan<float> scores, GenerationOptions options, double uniform)
    {
        if (options.Temperature == 0) return Largest(scores);
        double[] weights = Weights(scores, options.Temperature);
        if (options.TopK == 0 && options.TopP == 1) return At(weights, uniform);
        int[] candidates = Likeliest(weights, options.TopK, options.TopP);
        return candidates[At(Array.ConvertAll(candidates, i => weights[i]), uniform)];
    }

    /// <summary>exp((score - largest) / temperature): the softmax without its divisor.</summary>
    static double[] Weights(ReadOnlySpan<float> scores, double temperature)
    {
        double largest = scores[Largest(scores)];
        double[] weights = new double[scores.Length];
        for (int i = 0; i < weights.Length; i++) weights[i] = Math.Exp((scores[i] - largest) / temperature);
        return weights;
    }

    /// <summary>
    /// The tokens that may be drawn, likeliest first: the first k (Fan et al. 2018), and of these the fewest that have the
    /// share p of their weight (nucleus sampling, Holtzman et al. 2020).
    /// </summary>
    static int[] Likeliest(double[] weights, int k, double p)
    {
        // A bar is lowered until enough pass it; only they are sorted, not the whole vocabulary.
        double total = weights.Sum();
        int most = k == 0 ? weights.Length : Math.Min(k, weights.Length);
        for (double bar = Math.Exp(-BarStep); ; bar *= Math.Exp(-BarStep))
        {
            if (bar < double.Epsilon * 1e10) bar = 0;
            List<int> passed = [];
            double mass = 0;
            for (int i = 0; i < weights.Length; i++)
            {
                if (weights[i] < bar) continue;
                passed.Add(i);
                mass += weights[i];
            }

            if (bar > 0 && passed.Count < most && (k > 0 || mass < p * total)) continue;
            passed.Sort((a, b) => weights[a] != weights[b] ? weights[b].CompareTo(weights[a]) : a.CompareTo(b));
            return [.. Nucleus(passed[..Math.Min(most, passed.Count)], weights, k == 0 ? total : null, p)];
        }
    }

    static List<int> Nucleus(List<int> sorted, double[] weights, double? total, double p)
    {
        if (p == 1) return sorted;
        double share = p * (total ?? sorted.Sum(i => weights[i])), mass = 0;
        int count = 0;
        while (count < sorted.Count && (count == 0 || mass < share)) mass += weights[sorted[count++]];
        return sorted[..count];
    }

    static int At(double[] weights, double uniform)
    {
        double place = uniform * weights.Sum(), mass = 0;
        int last = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0) continue;
            mass += weights[last = i];
            if (place < mass) return i;
        }

        return last;                            // rounding alone
    }

    /// <summary>A value of [0, 1) with 53 bits: a float's 24 would never reach the tail of a large vocabulary.</summary>
    public static double Uniform(Philox random, int index)
    {
        PhiloxBlock block = random.At((ulong)index);
        return ((((ulong)block.X << 32) | block.Y) >> 11) * (1.0 / (1ul << 53));
    }
}
