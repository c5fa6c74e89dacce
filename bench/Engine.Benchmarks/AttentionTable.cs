using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>Attention as training asks for it, in milliseconds and as a share of the multiply-add peak; layer norm as a share of the triad's bandwidth.</summary>
static class AttentionTable
{
    sealed record Case(int Batch, int Heads, int Length, int Width, bool Causal, bool Fused = true)
    {
        // Two products forward and five backward; a causal mask leaves half of them.
        public double Flops(bool backward) => (backward ? 7 : 2) * 2.0 * Batch * Heads * Length * Length * Width / (Causal ? 2 : 1);

        public override string ToString() => $"{(Fused ? "" : "contiguous ")}attention {Batch}x{Heads}x{Length}x{Width}{(Causal ? " causal" : "")}{(Fused ? " fused" : "")}";

        public Action Prepare(bool backward)
        {
            Shape shape = [Batch, Heads, Length, Width];
            Tensor fused = Parts(), gradients = Parts();
            Tensor query = fused.Select(0, 0), key = fused.Select(0, 1), value = fused.Select(0, 2);
            Tensor dquery = gradients.Select(0, 0), dkey = gradients.Select(0, 1), dvalue = gradients.Select(0, 2);
            Tensor y = Random([Batch, Length, Heads, Width]).Permute(0, 2, 1, 3), dy = Random([Batch, Length, Heads, Width]).Permute(0, 2, 1, 3);
            Tensor logSumExp = Random(shape[..3]);
            AttentionOptions options = new(1 / MathF.Sqrt(Width), Causal);
            return () =>
            {
                y.Backend.Attention(query, key, value, null, options, y, logSumExp);
                if (backward) y.Backend.AttentionGradient(dy, query, key, value, null, options, y, logSumExp, dquery, dkey, dvalue, null);
            };
        }

        // [3, B, H, N, D]: from one projection, as in a ViT, or three tensors.
        Tensor Parts() => Fused ? Random([Batch, Length, 3, Heads, Width]).Permute(2, 0, 3, 1, 4) : Random([3, Batch, Heads, Length, Width]);
    }

    static Tensor Random(Shape shape)
    {
        Random random = new(1);
        float[] elements = new float[shape.ElementCount];
        for (int i = 0; i < elements.Length; i++) elements[i] = random.NextSingle() - 0.5f;
        return Tensor.From(elements, shape);
    }

    static readonly Case[] Cases = [new(8, 12, 197, 64, false, false), new(8, 12, 197, 64, false), new(64, 4, 65, 32, false), new(1, 12, 2048, 64, true)];

    public static void Print(string[] filters)
    {
        MachineRoofline machine = MachineRoofline.Measure(Environment.ProcessorCount);
        double peak = machine.FlopsPerSecond / 1e9, triad = machine.BytesPerSecond / 1e9;
        Console.WriteLine($"{Environment.ProcessorCount} threads: {peak:F1} GFLOP/s, {triad:F1} GB/s; {Device.Parse("cpu").Backend.Description}");
        Console.WriteLine($"{"",-50}  best ms  median ms   share");
        List<Action> actions = [];
        List<(string Name, double Flops, double Bytes)> rows = [];
        foreach (Case c in Cases)
        {
            foreach (bool backward in (bool[])[false, true])
            {
                rows.Add(($"{c} forward{(backward ? " + backward" : "")}", c.Flops(backward), 0));
                actions.Add(c.Prepare(backward));
            }
        }

        LayerNorm(actions, rows);
        for (int i = rows.Count - 1; i >= 0 && filters.Length > 0; i--)
        {
            if (filters.Any(f => rows[i].Name.EndsWith(f, StringComparison.Ordinal))) continue;
            rows.RemoveAt(i);
            actions.RemoveAt(i);
        }

        Interleaved.Result[] results = Interleaved.Measure(actions, rounds: 15);
        for (int i = 0; i < rows.Count; i++)
        {
            (string name, double flops, double bytes) = rows[i];
            double share = flops > 0 ? flops / results[i].BestSeconds / 1e9 / peak : bytes / results[i].BestSeconds / 1e9 / triad;
            Console.WriteLine($"{name,-50} {results[i].BestSeconds * 1e3,8:F3} {results[i].MedianSeconds * 1e3,10:F3} {share,7:P0}");
        }
    }

    static void LayerNorm(List<Action> actions, List<(string, double, double)> rows)
    {
        const int Rows = 4160, Width = 128;
        Tensor x = Random([Rows, Width]), y = Random([Rows, Width]), dx = Random([Rows, Width]), gamma = Random([Width]), beta = Random([Width]);
        Tensor mean = Random([Rows]), rstd = Random([Rows]), dgamma = Random([Width]), dbeta = Random([Width]);
        rows.Add(("layer norm 4160x128 forward", 0, 2.0 * 4 * Rows * Width));
        actions.Add(() => x.Backend.LayerNorm(x, gamma, beta, 1e-6f, y, mean, rstd));
        rows.Add(("layer norm 4160x128 backward", 0, 3.0 * 4 * Rows * Width));
        actions.Add(() => x.Backend.LayerNormGradient(y, x, gamma, mean, rstd, dx, dgamma, dbeta));
    }
}
