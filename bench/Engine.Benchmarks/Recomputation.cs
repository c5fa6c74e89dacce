using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>What recomputing the blocks in backward saves and costs: a training step of a vision transformer with and without.</summary>
static class Recomputation
{
    const int Rounds = 5;

    /// <summary>--recompute [tiny|small|base|large] [batch]</summary>
    public static void Print(string[] arguments)
    {
        string size = arguments.ElementAtOrDefault(0) ?? "small";
        int batch = int.Parse(arguments.ElementAtOrDefault(1) ?? "16", System.Globalization.CultureInfo.InvariantCulture);
        VitConfig config = size switch
        {
            "tiny" => VitConfig.Tiny(),
            "base" => VitConfig.Base(),
            "large" => VitConfig.Large(),
            _ => VitConfig.Small(),
        };
        VisionTransformer model = new(config, seed: 1);
        ParameterArena arena = new(model.Parameters);
        // The values from before they moved into the arena: their memory shall be back before anything is measured.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        AdamW optimizer = new(arena, new AdamOptions { LearningRate = 1e-5 });
        Tensor images = RandomNumbers.Normal([batch, 3, config.ImageSize, config.ImageSize], new Philox(2, 0));
        Tensor labels = Tensor.From(Enumerable.Range(0, batch).Select(i => i % config.Classes).ToArray(), [batch]);
        model.Train();

        // The device remembers its highest use alone, so the lesser one comes first.
        Step(recomputes: true);
        long rest = model.Device.Backend.Memory.Used;
        long less = model.Device.Backend.Memory.Peak - rest;
        Step(recomputes: false);
        long more = model.Device.Backend.Memory.Peak - rest;

        double[] plain = new double[Rounds], again = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            plain[round] = Step(recomputes: false);
            again[round] = Step(recomputes: true);
        }

        Array.Sort(plain);
        Array.Sort(again);
        Console.WriteLine($"ViT {size}, batch {batch}, {ThreadTeam.Threads} threads; parameters, gradients and moments take {rest / 1e6:F0} MB besides");
        Console.WriteLine("| blocks | a step's memory, MB | seconds a step, best (median) |");
        Console.WriteLine("| --- | --- | --- |");
        Console.WriteLine(FormattableString.Invariant($"| kept | {more / 1e6:F0} | {plain[0]:F2} ({plain[Rounds / 2]:F2}) |"));
        Console.WriteLine(FormattableString.Invariant($"| recomputed | {less / 1e6:F0} ({100.0 * less / more:F0} %) | {again[0]:F2} ({again[Rounds / 2]:F2}), {again[Rounds / 2] / plain[Rounds / 2]:F2} times |"));

        double Step(bool recomputes)
        {
            model.RecomputesBlocks = recomputes;
            long start = Stopwatch.GetTimestamp();
            using StepScope scope = StepScope.Begin();
            optimizer.ZeroGradients();
            Functions.CrossEntropy(model.Forward(images), labels).Backward();
            optimizer.Step();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
