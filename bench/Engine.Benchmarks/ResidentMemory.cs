using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>What the process holds as a training run goes on. Nothing in the loop disposes a tensor.</summary>
static class ResidentMemory
{
    const int Steps = 1000, Batch = 64;

    public static void Print()
    {
        VitConfig config = new() { ImageSize = 32, PatchSize = 4, Width = 128, Depth = 6, Heads = 4, MlpWidth = 512, Classes = 10 };
        VisionTransformer model = new(config, seed: 1);
        AdamSpd optimizer = new(new ParameterArena(model.Parameters), new AdamSpdOptions { LearningRate = 1e-4 });
        Tensor images = RandomNumbers.Normal([Batch, 3, config.ImageSize, config.ImageSize], new Philox(2, 0));
        Tensor labels = Tensor.From(Enumerable.Range(0, Batch).Select(i => i % config.Classes).ToArray(), [Batch]);
        Console.WriteLine("| step | resident MB | managed MB | tensors MB | pool MB |");
        Console.WriteLine("| --- | --- | --- | --- | --- |");
        for (int step = 1; step <= Steps; step++)
        {
            using (StepScope.Begin())
            {
                optimizer.ZeroGradients();
                Functions.CrossEntropy(model.Forward(images), labels).Backward();
                optimizer.Step();
            }

            if (step == 1 || step % 100 == 0) Report(step, model.Device.Backend.Memory);
        }
    }

    static void Report(int step, MemoryUse engine)
    {
        using Process process = Process.GetCurrentProcess();
        Console.WriteLine(FormattableString.Invariant(
            $"| {step} | {process.WorkingSet64 / 1e6:F1} | {GC.GetTotalMemory(forceFullCollection: false) / 1e6:F1} | {engine.Used / 1e6:F1} | {engine.Pooled / 1e6:F1} |"));
    }
}
