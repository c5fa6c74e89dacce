using Engine.Autograd;
using Engine.Gpu;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>An optimizer step over the parameters of ViT-Ti/16 (5.7 million in 150 tensors) on a device and on the CPU, in turn.</summary>
static class GpuOptimizerTable
{
    const int Width = 192, Depth = 12, Classes = 1000, Tokens = 197, PatchElements = 768;

    /// <summary>Prints the table for a device, opencl unless another is named.</summary>
    public static void Print(string[] words)
    {
        Device device = GpuDevices.Select(words.FirstOrDefault() ?? "opencl"), cpu = Device.Parse("cpu");
        (string Name, Action Step)[] rows =
        [
            ($"AdamW, {device}", Prepare(device, arena => new AdamW(arena, new() { WeightDecay = 0.05 }))),
            ($"AdamW, {cpu}", Prepare(cpu, arena => new AdamW(arena, new() { WeightDecay = 0.05 }))),
            ($"Adam-SPD, {device}", Prepare(device, arena => new AdamSpd(arena, new()))),
            ($"Adam-SPD, {cpu}", Prepare(cpu, arena => new AdamSpd(arena, new()))),
        ];
        Interleaved.Result[] results = Interleaved.Measure([.. rows.Select(row => row.Step)], rounds: 25);
        Console.WriteLine($"{device}: {device.Backend.Description}");
        Console.WriteLine($"{"step",-24} {"best ms",10} {"median ms",10}");
        for (int i = 0; i < rows.Length; i++)
            Console.WriteLine($"{rows[i].Name,-24} {results[i].BestSeconds * 1e3,10:F2} {results[i].MedianSeconds * 1e3,10:F2}");
    }

    static Action Prepare(Device device, Func<ParameterArena, Optimizer> create)
    {
        List<Shape> shapes = [[Width, PatchElements], [Width], [1, 1, Width], [1, Tokens, Width]];
        for (int block = 0; block < Depth; block++)
            shapes.AddRange([[Width], [Width], [3 * Width, Width], [3 * Width], [Width, Width], [Width], [Width], [Width], [4 * Width, Width], [4 * Width], [Width, 4 * Width], [Width]]);
        shapes.AddRange([[Width], [Width], [Classes, Width], [Classes]]);
        Parameter[] parameters = [.. shapes.Select((shape, i) => new Parameter($"p{i}", Normal(shape, i, 1, device)) { IsFresh = false })];
        ParameterArena arena = new(parameters);
        Optimizer optimizer = create(arena);
        for (int i = 0; i < parameters.Length; i++) parameters[i].Backward(Normal(shapes[i], i, 2, device));
        return () =>
        {
            optimizer.Step();
            device.Backend.Synchronize();
        };
    }

    static Tensor Normal(Shape shape, int seed, ulong stream, Device device) =>
        RandomNumbers.Normal(shape, new Philox((ulong)seed, stream), deviation: 0.02f, device: Device.Parse("cpu")).To(device);
}
