using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>What a training step costs when little of a model is trained: LoRA, biases, the head, against all of it.</summary>
static class AdaptationCost
{
    const int Rounds = 9;

    sealed record Way(string Name, Action<Module> Choose);

    static readonly LoraOptions Lora = new() { Targets = [], Rank = 8, Alpha = 16 };

    public static void Print()
    {
        Console.WriteLine($"{ThreadTeam.Threads} threads; forward, backward and an AdamW step, medians of {Rounds} alternating rounds");
        VitConfig vit = new() { ImageSize = 32, PatchSize = 4, Width = 128, Depth = 6, Heads = 4, MlpWidth = 512, Classes = 10 };
        Tensor pixels = RandomNumbers.Normal([64, 3, 32, 32], new Philox(2)), labels = Tensor.From(Enumerable.Range(0, 64).Select(i => i % 10).ToArray(), [64]);
        VisionTransformer Vit() => new(vit, seed: 1);
        Table("ViT, width 128, depth 6, 32x32 patch 4, batch 64", Vit, model => Functions.CrossEntropy(((VisionTransformer)model).Forward(pixels), labels),
        [
            new("everything", _ => { }),
            new("LoRA r 8 on qkv", model => Peft.Attach(model, Lora with { Targets = ["qkv"] })),
            new("LoRA r 8 on all linear layers", model => Peft.Attach(model, Lora with { Targets = ["all-linear"] })),
            new("LoRA r 8 on the last block", model => Peft.Attach(model, Lora with { Targets = ["blocks.5.*"] })),
            new("series adapters, bottleneck 32, on fc2", model => Peft.Attach(model, new SeriesAdapterOptions { Targets = ["fc2"], Bottleneck = 32 })),
            new("biases and head (BitFit)", model => Only(model, "*.bias", "head.*")),
            new("head (probe)", model => Only(model, "head.*")),
        ]);

        VisionTransformer probed = Vit();
        Only(probed, "head.*");
        Tensor features = RandomNumbers.Normal([64, 128], new Philox(3));
        Measure([(probed, model => Functions.CrossEntropy(((VisionTransformer)model).Classify(features), labels))], rows => Row("head on cached features", rows[0], null));

        LlamaConfig llama = new() { VocabularySize = 4096, Width = 256, MlpWidth = 688, Depth = 4, Heads = 8, KeyValueHeads = 8, HeadSize = 32, MaximumLength = 512 };
        Tensor tokens = Tensor.From(Enumerable.Range(0, 8 * 128).Select(i => i * 7919 % 4096).ToArray(), [8, 128]), next = Tensor.From(Enumerable.Range(1, 8 * 128).Select(i => i * 7919 % 4096).ToArray(), [8 * 128]);
        Table("LLaMA, width 256, depth 4, vocabulary 4096, 8 x 128 tokens", () => new Llama(llama, seed: 1),
            model => Functions.CrossEntropy(Functions.Reshape(((Llama)model).Forward(tokens), 8 * 128, 4096), next),
        [
            new("everything", _ => { }),
            new("LoRA r 8 on q and v", model => Peft.Attach(model, Lora with { Targets = ["q", "v"] })),
            new("LoRA r 8 on q, k, v, up, down", model => Peft.Attach(model, Lora with { Targets = ["q", "k", "v", "up", "down"] })),
            new("LoRA r 8 on q and v of the last block", model => Peft.Attach(model, Lora with { Targets = ["layers.3.attn.q", "layers.3.attn.v"] })),
        ]);
    }

    static void Only(Module model, params ReadOnlySpan<string> patterns)
    {
        model.Freeze("*");
        model.Unfreeze(patterns);
    }

    static void Table(string title, Func<Module> build, Func<Module, Variable> loss, Way[] ways)
    {
        Console.WriteLine($"\n{title}\n\n| trained | parameters | ms a step | of everything |\n| --- | --- | --- | --- |");
        (Module, Func<Module, Variable>)[] models = [.. ways.Select(way =>
        {
            Module model = build();
            way.Choose(model);
            return (model, loss);
        })];
        Measure(models, rows =>
        {
            for (int i = 0; i < ways.Length; i++) Row(ways[i].Name, rows[i], rows[0].Seconds);
        });
    }

    static void Row(string name, (long Parameters, double Seconds) row, double? all) =>
        Console.WriteLine(FormattableString.Invariant($"| {name} | {row.Parameters:N0} | {1e3 * row.Seconds:F2} | {(all is { } seconds ? FormattableString.Invariant($"{row.Seconds / seconds:F2}") : "")} |"));

    static void Measure((Module Model, Func<Module, Variable> Loss)[] models, Action<(long Parameters, double Seconds)[]> print)
    {
        AdamW[] optimizers = [.. models.Select(each => new AdamW(new ParameterArena(each.Model.Parameters), new AdamOptions { LearningRate = 1e-4 }))];
        double[][] times = [.. models.Select(_ => new double[Rounds])];
        for (int round = -2; round < Rounds; round++)
        {
            for (int i = 0; i < models.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                using (StepScope.Begin())
                {
                    optimizers[i].ZeroGradients();
                    models[i].Loss(models[i].Model).Backward();
                    optimizers[i].Step();
                }

                if (round >= 0) times[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }

        foreach (double[] each in times) Array.Sort(each);
        print([.. models.Select((each, i) => (each.Model.Parameters.Where(parameter => parameter.Trainable).Sum(parameter => parameter.Value.ElementCount), times[i][Rounds / 2]))]);
    }
}
