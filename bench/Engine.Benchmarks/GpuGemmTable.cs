using Engine.Gpu;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>Matrix products on a GPU device: GFLOP/s by shape, best and median of many rounds over all shapes in turn.</summary>
static class GpuGemmTable
{
    sealed record Case(string Name, int Batch, int M, int K, int N, bool Transposed, DType Type = DType.Float32)
    {
        public double Flops => 2.0 * Batch * M * K * N;

        public override string ToString() => $"{Name} {(Batch > 1 ? $"{Batch}x" : "")}{M}x{K}x{N}{(Transposed ? " b^T" : "")}";
    }

    static readonly Case[] Cases =
    [
        .. ((int[])[64, 128, 256, 512, 1024]).SelectMany(n => (Case[])[new("cube", 1, n, n, n, false), new("cube", 1, n, n, n, true)]),
        new("cube", 1, 1000, 1000, 1000, true),
        new("vit y", 1, 4160, 128, 384, true), new("vit mlp", 1, 4160, 512, 128, true), new("vit-b", 1, 1576, 768, 768, true), new("vit-b mlp", 1, 1576, 3072, 768, true),
        new("dW", 1, 384, 4160, 128, false),
        new("decode", 1, 1, 2048, 2048, true), new("decode", 1, 4, 2048, 2048, true), new("decode", 1, 1, 2048, 2048, false), new("decode", 1, 4, 2048, 2048, false),
        new("column", 1, 2048, 2048, 1, false),
        new("heads qk", 256, 65, 32, 65, true), new("heads pv", 256, 65, 65, 32, false), new("small", 64, 16, 16, 16, false),
        new("lora", 1, 4160, 128, 8, true), new("lora", 1, 4160, 8, 128, true),
        new("bf16 b", 1, 512, 512, 512, true, DType.BFloat16), new("bf16 b", 1, 1, 2048, 2048, true, DType.BFloat16),
    ];

    /// <summary>Prints the table for a device, opencl unless the first word names another; further words filter by name.</summary>
    public static void Print(string[] words)
    {
        string name = words.FirstOrDefault(word => word.StartsWith("cuda", StringComparison.Ordinal) || word.StartsWith("opencl", StringComparison.Ordinal)) ?? "opencl";
        string[] filters = [.. words.Where(word => word != name)];
        Device device = GpuDevices.Select(name);
        Case[] cases = [.. Cases.Where(c => filters.Length == 0 || filters.Any(f => c.ToString().Contains(f, StringComparison.Ordinal)))];
        Interleaved.Result[] results = Interleaved.Measure(Array.ConvertAll(cases, c => Prepare(c, device)), rounds: 25);
        Console.WriteLine($"{device}: {device.Backend.Description}");
        Console.WriteLine($"{"batch x M x K x N",-32} {"best us",12} {"median us",12} {"best GFLOP/s",14} {"median",10}");
        for (int i = 0; i < cases.Length; i++)
        {
            Interleaved.Result r = results[i];
            Console.WriteLine($"{cases[i],-32} {r.BestSeconds * 1e6,12:F1} {r.MedianSeconds * 1e6,12:F1} {cases[i].Flops / r.BestSeconds / 1e9,14:F1} {cases[i].Flops / r.MedianSeconds / 1e9,10:F1}");
        }
    }

    static Action Prepare(Case c, Device device)
    {
        Tensor a = Random(device, c.Batch, c.M, c.K), y = Tensor.Empty([c.Batch, c.M, c.N], DType.Float32, device);
        Tensor b = (c.Transposed ? Random(device, c.Batch, c.N, c.K).Transpose() : Random(device, c.Batch, c.K, c.N)).To(c.Type);
        return () =>
        {
            Matrices.MatMulInto(a, b, y);
            device.Backend.Synchronize();
        };
    }

    static Tensor Random(Device device, int batch, int rows, int columns) =>
        RandomNumbers.Normal([batch, rows, columns], new Philox(1, 0)).To(device);
}
