using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using Engine.Testing;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Engine.Gpu.Tests;

/// <summary>Every kernel that can be launched becomes sound text for devices that are not here.</summary>
[Trait("Speed", "Slow")]
public sealed partial class OfflineTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    public void Every_kernel_compiles_to_sound_PTX(int major)
    {
        using OfflineCompiler compiler = OfflineCompiler.Ptx(major == 8 ? CudaArchitecture.SM_80 : CudaArchitecture.SM_90);
        List<string> faults = [];
        foreach (MethodInfo kernel in KernelCatalog.All())
        {
            string text = compiler.Compile(kernel);
            if (text.Contains(".uni", StringComparison.Ordinal)) faults.Add($"{OfflineCompiler.NameOf(kernel)}: a branch is marked uniform");
            if (IsSingle(kernel) && !IsForProcessors(kernel) && LocalMemory().IsMatch(text)) faults.Add($"{OfflineCompiler.NameOf(kernel)}: local memory");
            faults.AddRange(UndefinedCalls(text).Select(name => $"{OfflineCompiler.NameOf(kernel)}: calls {name}, which is not defined"));
            if (IsForTensorCores(kernel) && !text.Contains("mma.sync", StringComparison.Ordinal)) faults.Add($"{OfflineCompiler.NameOf(kernel)}: no mma.sync");
            if (IsSingle(kernel) && !RaisesToAPower(kernel) && text.Contains(".f64", StringComparison.Ordinal)) faults.Add($"{OfflineCompiler.NameOf(kernel)}: computes in double precision");
        }

        Assert.True(faults.Count == 0, $"{faults.Count} faults:\n{string.Join('\n', faults.Take(40))}");
    }

    [Fact]
    public void Float_kernels_compile_for_OpenCL_devices_without_double_precision()
    {
        using OfflineCompiler compiler = OfflineCompiler.OpenCL(doubles: false);
        List<string> faults = [];
        foreach (MethodInfo kernel in KernelCatalog.All().Where(kernel => IsSingle(kernel) && !IsForTensorCores(kernel)))
        {
            try
            {
                Assert.NotEmpty(compiler.Compile(kernel));
            }
            catch (InternalCompilerException failure)
            {
                faults.Add($"{OfflineCompiler.NameOf(kernel)}: {failure.GetBaseException().Message}");
            }
        }

        Assert.True(faults.Count == 0, $"{faults.Count} faults:\n{string.Join('\n', faults.Take(40))}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_same_kernel_is_the_same_text_whatever_was_compiled_before(bool openCL)
    {
        MethodInfo[] kernels = [.. KernelCatalog.All().Where(kernel => kernel.DeclaringType == typeof(ArenaKernels)).Take(4)];
        using OfflineCompiler forwards = Compiler(), backwards = Compiler();
        Dictionary<MethodInfo, string> first = kernels.ToDictionary(kernel => kernel, forwards.Compile);
        foreach (MethodInfo kernel in kernels.Reverse()) Assert.Equal(first[kernel], backwards.Compile(kernel));

        OfflineCompiler Compiler() => openCL ? OfflineCompiler.OpenCL(doubles: true) : OfflineCompiler.Ptx(CudaArchitecture.SM_80);
    }

    // PoCL compiles all of a process in one place: with types of one name but other fields it gave wrong products.
    [Fact]
    public void Two_kernels_share_no_type_names_in_OpenCL()
    {
        using OfflineCompiler compiler = OfflineCompiler.OpenCL(doubles: true);
        HashSet<string> texts = [], taken = [];
        foreach (MethodInfo kernel in KernelCatalog.All().Where(kernel => kernel.DeclaringType == typeof(ArenaKernels) || kernel.DeclaringType == typeof(Copies)))
        {
            // Of signed and unsigned words the same text comes out: one kernel.
            string text = compiler.Compile(kernel);
            if (!texts.Add(text)) continue;
            string[] names = [.. TypeName().Matches(text).Select(match => match.Value).Distinct()];
            Assert.All(names, name => Assert.True(taken.Add(name), $"{OfflineCompiler.NameOf(kernel)}: {name} is another kernel's, too"));
        }

        Assert.NotEmpty(taken);
    }

    [Fact]
    public void Clang_takes_the_OpenCL_source_of_every_kernel()
    {
        string? clang = FindClang();
        Assert.SkipWhen(clang is null, "clang is not installed (Debian: apt-get install clang)");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("engine-opencl-");
        try
        {
            using OfflineCompiler compiler = OfflineCompiler.OpenCL(doubles: true);
            int number = 0;
            foreach (MethodInfo kernel in KernelCatalog.All().Where(kernel => !IsForTensorCores(kernel)))
                File.WriteAllText(Path.Combine(folder.FullName, $"{number++:D4}.cl"), $"// {OfflineCompiler.NameOf(kernel)}\n{compiler.Compile(kernel)}");
            Assert.Equal("", ClangErrors(clang!, folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    static string? FindClang() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "clang*"))
        .Where(file => ClangName().IsMatch(Path.GetFileName(file))).Order(StringComparer.Ordinal).FirstOrDefault();

    // One process for many files: the OpenCL header costs more than a kernel.
    static string ClangErrors(string clang, string folder)
    {
        List<string> errors = [];
        foreach (string[] files in Directory.EnumerateFiles(folder, "*.cl").Order(StringComparer.Ordinal).Chunk(64))
        {
            ProcessStartInfo start = new(clang, ["-x", "cl", "-cl-std=CL2.0", "-fsyntax-only", "-w", "-Xclang", "-finclude-default-header", "-target", "spir64", .. files])
            {
                RedirectStandardError = true,
            };
            using Process process = Process.Start(start)!;
            string output = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0) errors.Add(output.Length > 2000 ? output[..2000] : output);
        }

        return string.Join('\n', errors.Take(3));
    }

    // float32 kernels, and 16-bit ones that widen to it.
    static bool IsSingle(MethodInfo kernel) =>
        kernel.GetGenericArguments().Contains(typeof(Engine.Tensors.Scalar32)) && !kernel.GetGenericArguments().Contains(typeof(double));

    // Kernels for processors under OpenCL, whose local memory is their first cache, and for NVIDIA's tensor cores.
    static bool IsForProcessors(MethodInfo kernel) => kernel.DeclaringType == typeof(PanelProduct) || kernel.DeclaringType == typeof(LoopedRowProduct);

    static bool IsForTensorCores(MethodInfo kernel) => kernel.DeclaringType == typeof(MmaProduct);

    // ILGPU's power function for PTX goes through doubles, which every NVIDIA card has; for OpenCL it does not.
    static bool RaisesToAPower(MethodInfo kernel) =>
        kernel.GetGenericArguments()[0] is { } formula && (formula == typeof(Engine.Tensors.Power) || formula == typeof(Engine.Tensors.GradientOf<Engine.Tensors.Power>));

    static IEnumerable<string> UndefinedCalls(string ptx)
    {
        HashSet<string> defined = [.. Function().Matches(ptx).Select(match => match.Groups[1].Value)];
        return Call().Matches(ptx).Select(match => match.Groups[1].Value).Where(name => !defined.Contains(name)).Distinct();
    }

    [GeneratedRegex(@"\.local\b")]
    private static partial Regex LocalMemory();

    [GeneratedRegex(@"\.func\s+(?:\([^)]*\)\s*)?(\w+)")]
    private static partial Regex Function();

    [GeneratedRegex(@"\bcall\s+(?:\([^)]*\)\s*,\s*)?(\w+)")]
    private static partial Regex Call();

    [GeneratedRegex(@"\btype_\w+")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"^clang(-\d+)?$")]
    private static partial Regex ClangName();
}
