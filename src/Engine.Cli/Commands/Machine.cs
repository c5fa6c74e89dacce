using System.CommandLine;
using Engine.Gpu;
using Engine.Tensors;

namespace Engine.Cli;

/// <summary>The options of every command that computes.</summary>
static class Machine
{
    public static Option<string> Device { get; } = new("--device") { Description = "Where to compute: cpu, cuda, cuda:1, opencl, or auto for the first GPU, if there is one. engine devices lists them.", DefaultValueFactory = _ => "cpu" };

    public static Option<int> Threads { get; } = new("--threads") { Description = "CPU threads; results do not depend on it.", DefaultValueFactory = _ => ThreadTeam.Threads };

    public static Option<string> Precision { get; } = new("--precision")
    {
        Description = "float32, or bf16 for mixed precision: 16-bit activations and copies of the weights, float32 sums, losses and trained weights. For GPUs; a CPU saves memory at best, and takes longer.",
        DefaultValueFactory = _ => "float32",
    };

    /// <summary>The precision asked for.</summary>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static Autograd.Precision PrecisionOf(ParseResult parsed) => parsed.Choose(Precision,
        ("float32", Autograd.Precision.Float32), ("bf16", Autograd.Precision.BFloat16));

    /// <summary>Chooses device and threads for the rest of the process.</summary>
    public static void Apply(ParseResult parsed)
    {
        int threads = parsed.GetValue(Threads);
        if (threads < 1) throw new UsageException($"--threads is {threads}; it must be 1 or more.");
        ThreadTeam.Threads = threads;
        Tensors.Device.Default = GpuDevices.Select(parsed.GetValue(Device)!);
    }
}
