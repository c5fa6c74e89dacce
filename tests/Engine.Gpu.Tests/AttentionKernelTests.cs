using System.Reflection;
using Engine.Tensors;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace Engine.Gpu.Tests;

/// <summary>What becomes of the kernels on a GPU that is not here.</summary>
public sealed class AttentionKernelTests
{
    // What every GPU gives a group without being asked.
    const int SharedMemory = 48 * 1024;

    public static TheoryData<string, string> Kernels()
    {
        TheoryData<string, string> data = [];
        foreach (string tile in (string[])[nameof(Tile64), nameof(Tile32), nameof(Tile64Shallow)])
            foreach (string kernel in (string[])["Forward", "Queries", "KeysAndValues", "Mask"]) data.Add(kernel, tile);
        data.Add("Forward", nameof(Tile64Wide));
        data.Add("Queries", nameof(Tile64Wide));
        return data;
    }

    [Theory, MemberData(nameof(Kernels))]
    public void A_kernel_for_NVIDIA_stays_in_registers_and_a_groups_shared_memory(string kernel, string tile)
    {
        string text = tile switch
        {
            nameof(Tile64) => Text<Tile64, Single32, float, Scalar32>(kernel) + Text<Tile64, Brain16, ushort, Scalar32>(kernel),
            nameof(Tile64Wide) => Text<Tile64Wide, Single32, float, Scalar32>(kernel),
            nameof(Tile32) => Text<Tile32, Single32, float, Scalar32>(kernel) + Text<Tile32, Half16, ushort, Scalar32>(kernel),
            _ => Text<Tile64Shallow, Double64, double, Scalar64>(kernel),
        };
        // ILGPU's exponential of doubles is a routine with local memory; float kernels have neither.
        if (tile == nameof(Tile64Shallow)) return;
        Assert.DoesNotContain(".local", text, StringComparison.Ordinal);
        Assert.DoesNotContain(".f64", text, StringComparison.Ordinal);
        Assert.Contains("ld.shared.v4", text, StringComparison.Ordinal);
    }

    static string Text<TTile, TElement, TWord, TLane>(string kernel)
        where TTile : struct, IAttentionTile
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        (Type family, string name) = kernel == "Forward" ? (typeof(AttentionForward), "Run") : (typeof(AttentionBackward), kernel);
        MethodInfo method = family.GetMethod(name)!.MakeGenericMethod(typeof(TTile), typeof(TElement), typeof(TWord), typeof(TLane));
        using Context context = Context.Create(builder => builder.Optimize(OptimizationLevel.O2).EnableAlgorithms());
        using PTXBackend backend = new(context, CudaArchitecture.SM_80, CudaInstructionSet.ISA_80, null!);
        PTXCompiledKernel compiled = (PTXCompiledKernel)KernelLoader.Compile(backend, method);
        Assert.InRange(compiled.SharedMemorySize(), 1, SharedMemory);
        return compiled.PTXAssembly;
    }
}

static class CompiledKernels
{
    /// <summary>Bytes of shared memory that a kernel's text declares.</summary>
    public static int SharedMemorySize(this PTXCompiledKernel kernel) => System.Text.RegularExpressions.Regex
        .Matches(kernel.PTXAssembly, @"\.shared[^;\[]*\.b8 [^\[;]+\[(\d+)\]").Sum(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
}
