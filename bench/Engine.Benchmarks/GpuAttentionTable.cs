using Engine.Gpu;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>Attention on a GPU and on the processor in the same run: milliseconds and GFLOP/s.</summary>
static class GpuAttentionTable
{
    sealed record Case(int Batch, int Heads, int Queries, int Keys, int Width, bool Causal)
    {
        // Two products forward; backward five are needed, and seven are computed, since each of dQ and dK, dV starts from the scores.
        public double Flops(bool backward) => (backward ? 7 : 2) * 2.0 * Batch * Heads * Queries * Keys * Width / (Causal ? 2 : 1);

        public override string ToString() => $"{Batch}x{Heads}x{Queries}x{Keys}x{Width}{(Causal ? " causal" : "")}";

        public Action Prepare(Device device, bool backward)
        {
            Tensor Heads4(int length) => Random([Batch, length, Heads, Width], device).Permute(0, 2, 1, 3);
            Tensor query = Heads4(Queries), key = Heads4(Keys), value = Heads4(Keys), y = Heads4(Queries), dy = Heads4(Queries);
            Tensor dquery = Heads4(Queries), dkey = Heads4(Keys), dvalue = Heads4(Keys), logSumExp = Random([Batch, Heads, Queries], device);
            AttentionOptions options = new(1 / MathF.Sqrt(Width), Causal);
            return () =>
            {
                device.Backend.Attention(query, key, value, null, options, y, logSumExp);
                if (backward) device.Backend.AttentionGradient(dy, query, key, value, null, options, y, logSumExp, dquery, dkey, dvalue, null);
                device.Backend.Synchronize();
            };
        }
    }

    static readonly Case[] Cases =
    [
        new(8, 12, 197, 197, 64, false), new(64, 12, 49, 49, 32, false), new(256, 3, 16, 16, 32, false), new(1, 12, 2048, 2048, 64, true),
        new(1, 8, 512, 512, 128, true), new(1, 32, 1, 4096, 128, false),
    ];

    static Tensor Random(Shape shape, Device device)
    {
        Random random = new(1);
        float[] elements = new float[shape.ElementCount];
        for (int i = 0; i < elements.Length; i++) elements[i] = random.NextSingle() - 0.5f;
        return Tensor.From(elements, shape, device);
    }

    public static void Print(string[] arguments)
    {
        Device gpu = GpuDevices.Select(arguments.FirstOrDefault() ?? "opencl"), cpu = Device.Parse("cpu");
        Console.WriteLine($"{gpu}: {gpu.Backend.Description}");
        Console.WriteLine($"{"",-44} {"GPU ms",9} {"GFLOP/s",9} {"CPU ms",9} {"GFLOP/s",9}");
        foreach (Case c in Cases)
        {
            foreach (bool backward in (bool[])[false, true])
            {
                string name = $"{c}{(backward ? " + backward" : "")}";
                if (arguments.Length > 1 && !arguments.Skip(1).Any(part => name.Contains(part, StringComparison.Ordinal))) continue;
                Interleaved.Result[] results = Interleaved.Measure([c.Prepare(gpu, backward), c.Prepare(cpu, backward)], rounds: 7);
                Console.Write($"{name,-44}");
                foreach (Interleaved.Result r in results) Console.Write($" {r.BestSeconds * 1e3,9:F2} {c.Flops(backward) / r.BestSeconds / 1e9,9:F1}");
                Console.WriteLine();
            }
        }
    }
}
