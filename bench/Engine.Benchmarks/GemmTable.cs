using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>Matrix products as training asks for them, and their share of the multiply-add peak.</summary>
static class GemmTable
{
    /// <summary>A product of M x K with K x N. Forward reads the weight [N, K] transposed, Weight is dy^T x, Input is dy weight.</summary>
    public sealed record Case(string Name, int M, int K, int N, Kind Kind = Kind.Plain)
    {
        public double Flops => 2.0 * M * K * N;

        public override string ToString() => $"{Name} {M}x{K}x{N}";

        public Action Prepare()
        {
            Tensor y = Tensor.Empty([M, N]);
            Tensor a = Kind == Kind.Weight ? Random(K, M).Transpose() : Random(M, K);
            Tensor b = Kind == Kind.Forward ? Random(N, K).Transpose() : Random(K, N);
            return () => Matrices.MatMulInto(a, b, y);
        }

        static Tensor Random(int rows, int columns)
        {
            Random random = new(1);
            float[] elements = new float[rows * columns];
            for (int i = 0; i < elements.Length; i++) elements[i] = random.NextSingle() - 0.5f;
            return Tensor.From(elements, [rows, columns]);
        }
    }

    public enum Kind { Plain, Forward, Weight, Input }

    public static IEnumerable<Case> Cases()
    {
        foreach (int n in (int[])[256, 512, 1024, 2048]) yield return new("cube", n, n, n);

        // ViT for CIFAR: 64 images of 65 tokens; width 128, MLP 512. ViT-B/16: 8 images of 197 tokens; width 768.
        foreach ((int rows, int width, int output) in ((int, int, int)[])
            [(4160, 128, 128), (4160, 128, 384), (4160, 128, 512), (4160, 512, 128), (1576, 768, 768), (1576, 768, 2304), (1576, 768, 3072), (1576, 3072, 768)])
        {
            yield return new("y", rows, width, output, Kind.Forward);
            yield return new("dW", output, rows, width, Kind.Weight);
            yield return new("dx", rows, output, width, Kind.Input);
        }
    }

    public static void Print(string[] filters)
    {
        Case[] cases = [.. Cases().Where(c => filters.Length == 0 || filters.Any(f => c.ToString().Contains(f, StringComparison.Ordinal)))];
        int[] threads = Roofline.Threads();

        // The peak is measured in the same rounds as the products.
        List<Action> actions = [.. threads.Select(t => (Action)(() =>
        {
            ThreadTeam.Threads = t;
            MachineRoofline.MultiplyAdds(t);
        }))];
        foreach (Case c in cases)
        {
            Action run = c.Prepare();
            foreach (int t in threads)
            {
                actions.Add(() =>
                {
                    ThreadTeam.Threads = t;
                    run();
                });
            }
        }

        Interleaved.Result[] results = Interleaved.Measure(actions, rounds: 25);
        double[] peaks = [.. threads.Select((t, i) => MachineRoofline.FlopsOf(t) / results[i].BestSeconds / 1e9)];
        Console.WriteLine($"peak: {string.Join(", ", threads.Select((t, i) => $"{peaks[i]:F1} GFLOP/s on {t} (median {MachineRoofline.FlopsOf(t) / results[i].MedianSeconds / 1e9:F1})"))}; {Device.Parse("cpu").Backend.Description}");
        Console.WriteLine($"{"M x K x N",-24} {string.Join(" ", threads.Select(t => $"| {t} thread(s): best  share  median  share"))}");
        for (int i = 0; i < cases.Length; i++)
        {
            Console.Write($"{cases[i],-24}");
            for (int t = 0; t < threads.Length; t++)
            {
                Interleaved.Result r = results[(i + 1) * threads.Length + t];
                double best = cases[i].Flops / r.BestSeconds / 1e9, median = cases[i].Flops / r.MedianSeconds / 1e9;
                Console.Write($" |        {best,9:F1} {best / peaks[t],6:P0} {median,7:F1} {median / peaks[t],6:P0}");
            }

            Console.WriteLine();
        }
    }
}
