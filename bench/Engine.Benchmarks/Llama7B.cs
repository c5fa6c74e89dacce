using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Benchmarks;

/// <summary>
/// LoRA training and decoding on a model of LLaMA-7B's shape whose bfloat16 weights stay in a mapped file: time, memory, and
/// what bounds them on this machine. 13.5 GB are written below a temporary folder and removed at the end.
/// </summary>
static class Llama7B
{
    const long Expected = 6_738_415_616;
    const int Interrupted = 130;

    static volatile bool isWriting, isCancelled;

    /// <summary>What the command line may say.</summary>
    sealed record Settings(string? Keep, int Tokens, int Rank, int Steps, int Decoded, bool Recomputes, LlamaConfig Config)
    {
        public static Settings Parse(string[] arguments)
        {
            string? Text(string name) => Array.IndexOf(arguments, name) is >= 0 and int at && at + 1 < arguments.Length ? arguments[at + 1] : null;
            int Number(string name, int otherwise) => Text(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
            return new(Text("--keep"), Number("--tokens", 128), Number("--rank", 8), Number("--steps", 2), Number("--decode", 5),
                arguments.Contains("--recompute"), LlamaConfig.Size7B with { Depth = Number("--depth", LlamaConfig.Size7B.Depth) });
        }
    }

    public static void Run(string[] arguments)
    {
        Settings settings = Settings.Parse(arguments);
        string folder = settings.Keep ?? Path.Combine(Path.GetTempPath(), $"engine-llama7b-{Environment.ProcessId}");
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel),
            terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel), hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Cancel);
        try
        {
            Measure(settings, folder);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("Cancelled.");
            Environment.ExitCode = Interrupted;
        }
        finally
        {
            Remove();
        }

        void Remove()
        {
            if (settings.Keep is null && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }

        // A step of the large model takes minutes, and who does not wait for its end would leave 13.5 GB behind: only the writer,
        // which stops at its next megabyte, is waited for.
        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            isCancelled = true;
            if (isWriting) return;
            Remove();
            Console.WriteLine("Cancelled.");
            Environment.Exit(Interrupted);
        }
    }

    static void Write(string folder, LlamaConfig config)
    {
        isWriting = true;
        RandomLlama.Write(folder, config, shards: 3, () => isCancelled);
        isWriting = false;
        if (isCancelled) throw new OperationCanceledException();
    }

    static void Measure(Settings settings, string folder)
    {
        double reading = Reading(), peak = MachineRoofline.Measure(ThreadTeam.Threads).FlopsPerSecond / 1e9;
        Print($"{ThreadTeam.Threads} threads: reading {reading:F1} GB/s, multiply-adds {peak:F0} GFLOP/s; {Device.Parse("cpu").Backend.Description}");
        if (!File.Exists(Path.Combine(folder, "config.json")))
        {
            long begun = Stopwatch.GetTimestamp();
            Write(folder, settings.Config);
            Print($"written in {Stopwatch.GetElapsedTime(begun).TotalSeconds:F0} s");
        }

        long start = Stopwatch.GetTimestamp();
        LoadedModel<Llama> loaded = ModelFolder.Load<Llama>(folder, new() { Weights = WeightPrecision.Stored });
        Llama model = loaded.Model;
        if (settings.Config.Depth == LlamaConfig.Size7B.Depth && model.ParameterCount != Expected)
            throw new InvalidOperationException($"{model.ParameterCount} parameters, expected {Expected}");
        Print($"loaded {model.ParameterCount:N0} parameters in {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s; {Memory()}");

        AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Rank = settings.Rank, Alpha = 2 * settings.Rank, Targets = ["q_proj", "v_proj"] });
        model.RecomputesBlocks = settings.Recomputes;
        Print($"LoRA rank {settings.Rank} on q and v: {adapters.ParameterCount:N0} trained parameters{(settings.Recomputes ? "; blocks are recomputed in backward" : "")}");
        Train(model, settings, reading, peak);
        Decode(model, settings, reading);
        Print($"peak {Memory()}");
    }

    static void Train(Llama model, Settings settings, double reading, double peak)
    {
        // Every matrix is read once forward and once for the gradient of its input, and multiplied with every token each time; the
        // first block's are needed forward alone, the embedding's rows hardly at all.
        double matrices = (double)(model.ParameterCount - (long)settings.Config.VocabularySize * settings.Config.Width);
        double flops = 2.0 * 2 * matrices * settings.Tokens * (settings.Recomputes ? 1.5 : 1), bytes = 2.0 * 2 * matrices * (settings.Recomputes ? 1.5 : 1);
        double compute = flops / peak / 1e9, memory = bytes / reading / 1e9;
        Print($"bounds of a step: {compute:F1} s at the multiply-add peak, {memory:F2} s at the reading bandwidth; {(compute > memory ? "arithmetic" : "memory")} binds");

        int[] ids = [.. Enumerable.Range(0, settings.Tokens + 1).Select(i => new Philox(3).Below((ulong)i, settings.Config.VocabularySize))];
        Tensor inputs = Tensor.From(ids[..^1], [1, settings.Tokens]), targets = Tensor.From(ids[1..], [settings.Tokens]);
        ParameterArena arena = new(model.Parameters);
        Optimizer[] optimizers = [new AdamW(arena, new() { LearningRate = 3e-4 }), new AdamSpd(arena, new() { LearningRate = 3e-4 })];
        Console.WriteLine("| optimizer | step | s forward | s backward | s optimizer | s/token | GFLOP/s | of the peak | CPU s | loss | memory |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (Optimizer optimizer in optimizers)
        {
            for (int step = 1; step <= settings.Steps; step++)
            {
                using StepScope scope = StepScope.Begin();
                double processor = ProcessorSeconds();
                long start = Stopwatch.GetTimestamp();
                optimizer.ZeroGradients();
                Variable logits = model.Forward(inputs);
                Variable loss = Functions.CrossEntropy(Functions.Reshape(logits, settings.Tokens, -1), targets);
                double value = loss.Value.Item(), forward = Seconds(ref start);
                loss.Backward();
                double backward = Seconds(ref start);
                optimizer.Step();
                double update = Seconds(ref start), all = forward + backward + update;
                Print($"| {optimizer.GetType().Name} | {step} | {forward:F2} | {backward:F2} | {update:F3} | {all / settings.Tokens:F3} | {flops / all / 1e9:F1} | {flops / all / 1e9 / peak:P0} | {ProcessorSeconds() - processor:F1} | {value:F4} | {Memory()} |");
            }
        }
    }

    static void Decode(Llama model, Settings settings, double reading)
    {
        double bytes = 2.0 * (model.ParameterCount - (long)settings.Config.VocabularySize * settings.Config.Width), bound = bytes / reading / 1e9;
        using KeyValueCache cache = new(model.Config, capacity: 64);
        double best = double.PositiveInfinity, sum = 0, processor = 0;
        for (int i = 0; i <= settings.Decoded; i++)
        {
            using StepScope scope = StepScope.Begin();
            long start = Stopwatch.GetTimestamp();
            model.Step(Tensor.From<int>([i + 1], [1, 1]), cache);
            double seconds = Seconds(ref start);
            if (i == 0)
            {
                processor = ProcessorSeconds();                 // the first one warms up
                continue;
            }

            best = Math.Min(best, seconds);
            sum += seconds;
        }

        double mean = sum / settings.Decoded, busy = (ProcessorSeconds() - processor) / settings.Decoded;
        Print($"decoding: {1 / mean:F2} tokens/s ({mean:F2} s a token, best {best:F2} s, {busy:F2} CPU s); bound by reading {bytes / 1e9:F1} GB: {bound:F2} s, {bound / mean:P0} of it reached, at best {bound / best:P0}; reading afterwards {Reading():F1} GB/s");
    }

    static double Reading()
    {
        Action read = Roofline.Reader(ThreadTeam.Threads, out long bytes);
        return bytes / Interleaved.Measure([read], rounds: 7)[0].BestSeconds / 1e9;
    }

    static double Seconds(ref long start)
    {
        long now = Stopwatch.GetTimestamp();
        double seconds = (now - start) / (double)Stopwatch.Frequency;
        start = now;
        return seconds;
    }

    // Of all threads: on a busy machine the work itself, where the clock also counts waiting for a processor.
    static double ProcessorSeconds()
    {
        using Process process = Process.GetCurrentProcess();
        return process.TotalProcessorTime.TotalSeconds;
    }

    // What Linux counts: resident now and at its peak, and of the former what belongs to files, which the kernel may take back.
    static string Memory()
    {
        if (!File.Exists("/proc/self/status")) return $"{Environment.WorkingSet / 1e9:F2} GB";
        Dictionary<string, double> sizes = File.ReadLines("/proc/self/status").Where(line => line.EndsWith(" kB", StringComparison.Ordinal))
            .Select(line => line.Split(':')).ToDictionary(parts => parts[0], parts => double.Parse(parts[1][..^3], CultureInfo.InvariantCulture) * 1024 / 1e9);
        return FormattableString.Invariant($"VmRSS {sizes["VmRSS"]:F2} GB (files {sizes["RssFile"]:F2}), VmHWM {sizes["VmHWM"]:F2} GB");
    }

    static void Print(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line));
}
