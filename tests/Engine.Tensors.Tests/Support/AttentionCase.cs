namespace Engine.Tensors.Tests;

/// <summary>A problem of attention with random operands, and its naive solution in double precision.</summary>
public sealed record AttentionCase(
    int Batch, int Heads, int Groups, int Queries, int Keys, int Width, int ValueWidth, bool Causal = false, AttentionCase.MaskKind Mask = AttentionCase.MaskKind.None,
    bool Fused = false, double Spread = 1)
{
    public enum MaskKind { None, Added, AddedPerHead, Seen, Padding, SeenByNobody }

    public AttentionOptions Options => new(0.4f, Causal);

    public Operands Create(DType dtype, int seed = 1)
    {
        Random random = new(seed);
        Tensor Draw(int heads, int length, int width) => Fused
            ? Numbers([Batch, length, 2, heads, width]).Permute(0, 2, 3, 1, 4).Select(1, 1)
            : Numbers([Batch, heads, length, width]);
        return new(Draw(Heads, Queries, Width), Draw(Groups, Keys, Width), Draw(Groups, Keys, ValueWidth), Draw(Heads, Queries, ValueWidth), MakeMask());

        Tensor Numbers(Shape shape)
        {
            double[] elements = new double[shape.ElementCount];
            for (int i = 0; i < elements.Length; i++) elements[i] = (float)(Spread * (2 * random.NextDouble() - 1));
            return Tensor.From(elements, shape).To(dtype);
        }

        Tensor? MakeMask()
        {
            switch (Mask)
            {
                case MaskKind.None:
                    return null;
                case MaskKind.Added:
                    return Numbers([Batch, Heads, Queries, Keys]);
                case MaskKind.AddedPerHead:
                    return Numbers([Heads, Queries, Keys]);
            }

            // Of a padded sequence the first keys are seen; elsewhere a third of all pairs is not.
            Shape shape = Mask == MaskKind.Padding ? [Batch, 1, 1, Keys] : [Batch, 1, Queries, Keys];
            bool[] seen = new bool[shape.ElementCount];
            for (int i = 0; i < seen.Length; i++) seen[i] = Mask == MaskKind.Padding ? i % Keys <= Keys / 2 : random.Next(3) > 0;
            if (Mask == MaskKind.SeenByNobody) seen.AsSpan(0, Keys * (Queries / 2 + 1)).Clear();
            return Tensor.From(seen, shape);
        }
    }

    public sealed record Operands(Tensor Query, Tensor Key, Tensor Value, Tensor DY, Tensor? Mask);

    public sealed record Solution(double[] Y, double[] LogSumExp, double[] DQuery, double[] DKey, double[] DValue, double[] DScores);

    /// <summary>Term by term, all sums in double.</summary>
    public Solution Solve(Operands operands)
    {
        double[] q = Doubles(operands.Query), k = Doubles(operands.Key), v = Doubles(operands.Value), dy = Doubles(operands.DY);
        double[]? mask = operands.Mask is null ? null : Doubles(operands.Mask.Expand([Batch, Heads, Queries, Keys]).Contiguous());
        bool seen = operands.Mask?.DType == DType.Bool;
        double scale = Options.Scale;
        Solution s = new(new double[dy.Length], new double[Batch * Heads * Queries], new double[q.Length], new double[k.Length], new double[v.Length],
            new double[Batch * Heads * Queries * Keys]);
        for (int row = 0; row < s.LogSumExp.Length; row++)
        {
            int n = row % Queries, pair = row / Queries, group = pair / Heads * Groups + pair % Heads / (Heads / Groups);
            double[] scores = new double[Keys], dp = new double[Keys];
            double largest = double.NegativeInfinity;
            for (int m = 0; m < Keys; m++)
            {
                for (int d = 0; d < Width; d++) scores[m] += scale * q[row * Width + d] * k[(group * Keys + m) * Width + d];
                if (mask is not null && !seen) scores[m] += mask[row * Keys + m];
                if ((Causal && m > n + Keys - Queries) || (seen && mask![row * Keys + m] == 0)) scores[m] = double.NegativeInfinity;
                largest = Math.Max(largest, scores[m]);
            }

            double sum = scores.Sum(x => double.IsNegativeInfinity(x) ? 0 : Math.Exp(x - largest));
            s.LogSumExp[row] = sum == 0 ? double.NegativeInfinity : largest + Math.Log(sum);
            if (sum == 0) continue;
            double delta = 0;
            double[] p = [.. scores.Select(x => Math.Exp(x - largest) / sum)];
            for (int m = 0; m < Keys; m++)
            {
                for (int d = 0; d < ValueWidth; d++)
                {
                    s.Y[row * ValueWidth + d] += p[m] * v[(group * Keys + m) * ValueWidth + d];
                    s.DValue[(group * Keys + m) * ValueWidth + d] += p[m] * dy[row * ValueWidth + d];
                    dp[m] += dy[row * ValueWidth + d] * v[(group * Keys + m) * ValueWidth + d];
                }

                delta += p[m] * dp[m];
            }

            for (int m = 0; m < Keys; m++)
            {
                double ds = s.DScores[row * Keys + m] = p[m] * (dp[m] - delta);
                for (int d = 0; d < Width; d++)
                {
                    s.DQuery[row * Width + d] += scale * ds * k[(group * Keys + m) * Width + d];
                    s.DKey[(group * Keys + m) * Width + d] += scale * ds * q[row * Width + d];
                }
            }
        }

        return s;
    }

    static double[] Doubles(Tensor x) => x.To(DType.Float64).ToArray<double>();
}
