using Engine.Gpu;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>What a device's memory gives to kernels that do next to nothing: the bound for everything elementwise.</summary>
static class GpuBandwidthTable
{
    const int Elements = 1 << 23;

    /// <summary>Prints the table for a device, opencl unless another is named.</summary>
    public static void Print(string[] words)
    {
        Device device = GpuDevices.Select(words.FirstOrDefault() ?? "opencl");
        Tensor a = Tensor.Ones([Elements], device: device), b = Tensor.Ones([Elements], device: device), y = Tensor.Empty([Elements], device: device);
        Tensor matrix = a.Reshape(2048, -1), narrow = a.To(DType.BFloat16);
        (string Name, int Bytes, Action Run)[] rows =
        [
            ("fill", 4, () => device.Backend.Fill(1, y)),
            ("copy", 8, () => device.Backend.Copy(a, y)),
            ("transposed copy", 8, () => device.Backend.Copy(matrix.Transpose(), y.Reshape(-1, 2048))),
            ("a + b", 12, () => device.Backend.Map(new Add(), a, b, y)),
            ("a + row", 8, () => device.Backend.Map(new Add(), matrix, b.Slice(0, 0, Elements / 2048).Expand(matrix.Shape), y.Reshape(matrix.Shape))),
            ("exact GELU", 8, () => device.Backend.Map(new Gelu(), a, y)),
            ("float32 from bfloat16", 6, () => device.Backend.Copy(narrow, y)),
        ];
        Interleaved.Result[] results = Interleaved.Measure([.. rows.Select(row => (Action)(() =>
        {
            row.Run();
            device.Backend.Synchronize();
        }))], rounds: 25);
        Console.WriteLine($"{device}: {device.Backend.Description}");
        Console.WriteLine($"{"8 million elements",-24} {"best ms",10} {"median ms",10} {"best GB/s",10}");
        for (int i = 0; i < rows.Length; i++)
            Console.WriteLine($"{rows[i].Name,-24} {results[i].BestSeconds * 1e3,10:F2} {results[i].MedianSeconds * 1e3,10:F2} {(double)rows[i].Bytes * Elements / results[i].BestSeconds / 1e9,10:F1}");
    }
}
