using System.Diagnostics;
using System.Globalization;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>
/// Tokens a second of a LLaMA that writes one after the other, against the bound of reading every weight from memory once a
/// token. Reading and writing take turns, so that a noisy machine is unfair to both.
/// </summary>
static class DecodeTable
{
    const int PromptLength = 128, Rounds = 7, Tokens = 12;

    static readonly (string Name, LlamaConfig Config)[] Shapes =
    [
        ("width 128, depth 4", new() { VocabularySize = 4096, Width = 128, MlpWidth = 344, Depth = 4, Heads = 4, KeyValueHeads = 4, HeadSize = 32 }),
        ("width 768, depth 12", new() { Width = 768, MlpWidth = 2048, Depth = 12, Heads = 12, KeyValueHeads = 12, HeadSize = 64 }),
        ("width 2048, depth 8, grouped", new() { Width = 2048, MlpWidth = 5632, Depth = 8, Heads = 32, KeyValueHeads = 4, HeadSize = 64 }),
    ];

    public static void Print(ReadOnlySpan<string> arguments)
    {
        int threads = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : Environment.ProcessorCount;
        ThreadTeam.Threads = threads;
        Action reader = Roofline.Reader(threads, out long bytes);
        Console.WriteLine($"{threads} thread(s), prompt of {PromptLength} tokens");
        Console.WriteLine($"{"model",-30} {"million",8} {"prompt",10} {"batch 1",10} {"bound",10} {"of bound",9} {"batch 8",10}   tokens/s; GB/s read");
        foreach ((string name, LlamaConfig config) in Shapes)
        {
            Llama model = new(config);
            using KeyValueCache one = new(config, 1, 512), eight = new(config, 8, 512);
            double prompt = double.MaxValue, single = double.MaxValue, batch = double.MaxValue, read = double.MaxValue;
            for (int round = 0; round < Rounds; round++)
            {
                one.Truncate();
                eight.Truncate();
                prompt = Math.Min(prompt, Seconds(() => Feed(model, one, 1, PromptLength)));
                Feed(model, eight, 8, PromptLength);
                read = Math.Min(read, Seconds(reader));
                single = Math.Min(single, Seconds(() => Write(model, one, 1)) / Tokens);
                batch = Math.Min(batch, Seconds(() => Write(model, eight, 8)) / Tokens);
            }

            // The embedding is looked up, not read.
            double weights = 4.0 * (config.ParameterCount - (long)config.VocabularySize * config.Width);
            double bound = bytes / read / weights;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-30} {config.ParameterCount / 1e6,8:F1} {PromptLength / prompt,10:F1} {1 / single,10:F1} {bound,10:F1} {1 / single / bound,9:P0} {8 / batch,10:F1}   {bytes / read / 1e9:F1}"));
        }
    }

    static void Write(Llama model, KeyValueCache cache, int rows)
    {
        for (int i = 0; i < Tokens; i++) Feed(model, cache, rows, 1);
    }

    static void Feed(Llama model, KeyValueCache cache, int rows, int count)
    {
        using StepScope temporaries = StepScope.Begin();
        model.Step(Tensor.Zeros([rows, count], DType.Int32), cache);
    }

    static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
