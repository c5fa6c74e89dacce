using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>
/// What must not grow with the number of steps, and what a step costs besides arithmetic: a ViT of 10 blocks and width 32 on one
/// image of 5 tokens, whose kernels have next to nothing to do.
/// </summary>
static class FlatCosts
{
    const int Steps = 1000, Window = 50;

    public static void Print()
    {
        VitConfig config = new() { ImageSize = 8, PatchSize = 4, Width = 32, Depth = 10, Heads = 2, MlpWidth = 128, Classes = 10 };
        ProfilingBackend profile = new(new CpuBackend());
        Action profiled = Prepare(config, new Device("cpu", 0, profile)), step = Prepare(config, Device.Parse("cpu"));
        double[] times = new double[Steps];
        for (int i = 0; i < 300; i++) step();                      // until the runtime has compiled everything for good
        long bytes = GC.GetTotalAllocatedBytes(precise: true);
        int[] collections = [.. Enumerable.Range(0, 3).Select(GC.CollectionCount)];
        for (int i = 0; i < Steps; i++)
        {
            long start = Stopwatch.GetTimestamp();
            step();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        bytes = (GC.GetTotalAllocatedBytes(precise: true) - bytes) / Steps;
        collections = [.. collections.Select((count, generation) => GC.CollectionCount(generation) - count)];
        StepProfile operations = StepProfile.Measure(profile, profiled, steps: 200, warmUp: 300);
        long calls = operations.Operations.Sum(operation => operation.Calls), kernels = operations.Operations.Where(operation => operation.Method != "Allocate").Sum(operation => operation.Calls);
        double first = Median(times[..Window]), last = Median(times[^Window..]), median = Median(times), best = times.Min();
        Console.WriteLine($"{ThreadTeam.Threads} thread(s), {calls} calls of the backend a step, {kernels} of them not allocations");
        Console.WriteLine(FormattableString.Invariant($"a step: {median:F0} us, best {best:F0}; first {Window}: {first:F0}, last {Window} of {Steps}: {last:F0}, ratio {last / first:F2}"));
        Console.WriteLine(FormattableString.Invariant($"per operation, its kernel included: {median / kernels:F2} us, best {best / kernels:F2}"));
        Console.WriteLine($"managed heap: {bytes:N0} bytes a step; collections of generation 0, 1, 2 in {Steps} steps: {string.Join(", ", collections)}");
    }

    static Action Prepare(VitConfig config, Device device)
    {
        VisionTransformer model = new(config, seed: 1, device);
        AdamW optimizer = new(new ParameterArena(model.Parameters), new AdamOptions { LearningRate = 1e-4 });
        Tensor images = RandomNumbers.Normal([1, 3, config.ImageSize, config.ImageSize], new Philox(2), device: device), labels = Tensor.From<int>([3], [1], device);
        return () =>
        {
            using StepScope scope = StepScope.Begin();
            optimizer.ZeroGradients();
            Functions.CrossEntropy(model.Forward(images), labels).Backward();
            optimizer.Step();
        };
    }

    static double Median(double[] values)
    {
        double[] ordered = [.. values.Order()];
        return ordered[ordered.Length / 2];
    }
}
