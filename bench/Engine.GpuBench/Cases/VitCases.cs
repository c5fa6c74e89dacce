using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>A whole training step of a vision transformer: zeroing, forward, backward, AdamW.</summary>
static class VitCases
{
    const int CheckedImages = 2;

    public static IEnumerable<BenchCase> All(bool quick, bool processor)
    {
        VitConfig base16 = new(), small = new() { ImageSize = 32, PatchSize = 4, Width = 192, Depth = 12, Heads = 3, MlpWidth = 768, Classes = 10 };
        Bar? bar = processor ? null : Bar.Ratio(1.5);
        if (quick) yield return Create("vit_tiny", small with { Depth = 3, PatchSize = 8 }, 8, DType.Float32, null);
        else yield return Create("vit_192x12", small, 128, DType.Float32, null);
        if (quick) yield break;
        yield return Create("vit_b16", base16, 32, DType.Float32, bar);
        yield return Create("vit_b16", base16, 32, DType.BFloat16, bar);
    }

    static BenchCase Create(string name, VitConfig config, int batch, DType precision, Bar? bar) => new(
        $"{name} step {Comparison.Short(precision)} batch {batch}",
        device => Prepare(device, config, batch, precision == DType.BFloat16 ? Precision.BFloat16 : Precision.Float32),
        new("vit", Comparison.Name(precision), [config.ImageSize, config.PatchSize, config.Width, config.Depth, config.Heads, config.MlpWidth, config.Classes, batch]), bar)
    {
        Flops = 3 * batch * ForwardFlops(config),
    };

    // The products of all blocks; embedding and head are a hundredth of them.
    static double ForwardFlops(VitConfig c)
    {
        double tokens = Math.Pow(c.ImageSize / c.PatchSize, 2) + 1;
        return c.Depth * (2 * tokens * c.Width * (4.0 * c.Width + 2.0 * c.MlpWidth) + 4 * tokens * tokens * c.Width);
    }

    static Work Prepare(Device device, VitConfig config, int batch, Precision precision)
    {
        VisionTransformer model = new(config, seed: 1, device);
        ParameterArena arena = new(model.Parameters);
        AdamW optimizer = new(arena, new() { LearningRate = 1e-4, WeightDecay = 0.01 });
        NarrowWeights? narrow = precision == Precision.BFloat16 ? new(arena, model.Parameters) : null;
        Tensor images = RandomNumbers.Normal([batch, 3, config.ImageSize, config.ImageSize], new Philox(2), device: device);
        Tensor targets = Tensor.From([.. Enumerable.Range(0, batch).Select(i => i % config.Classes)], [batch], device);
        return new(() => Step(), () =>
        {
            // The same seed draws the same weights on the CPU.
            Tensor few = images.Slice(0, 0, CheckedImages);
            VisionTransformer right = new(config, seed: 1, Comparison.Cpu);
            if (Comparison.Fault("the logits", model.Forward(few).Value, right.Forward(Comparison.OnCpu(few)).Value, 1e-3) is { } fault) return fault;
            double first = Step().Value.Item(), last = 0;
            for (int i = 0; i < 10; i++) last = Step().Value.Item();
            return last < first ? null : FormattableString.Invariant($"the loss does not fall: {first:F4} at first, {last:F4} after ten more steps");
        });

        Variable Step()
        {
            optimizer.ZeroGradients();
            narrow?.Refresh();
            Variable loss;
            using (Tape.Autocast(precision)) loss = Functions.CrossEntropy(model.Forward(images), targets);
            loss.Backward();
            optimizer.Step();
            return loss;
        }
    }
}
