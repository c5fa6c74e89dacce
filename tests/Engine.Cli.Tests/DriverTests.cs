using System.Diagnostics;

namespace Engine.Cli.Tests;

/// <summary>Drivers that are broken, as a machine may have them: the CPU works as before, and asking for the GPU gives one line.</summary>
public sealed class DriverTests
{
    static Outcome Run(string drivers, params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "engine.dll"))) start.ArgumentList.Add(argument);
        start.Environment["LD_LIBRARY_PATH"] = drivers;
        using Process process = Process.Start(start)!;
        return EngineProcess.Finish(process);
    }

    [Theory]
    [InlineData("libcuda.so.1", "cuda")]
    [InlineData("libOpenCL.so.1", "opencl")]
    public void A_library_that_is_garbage_is_said_to_be_no_driver(string library, string device)
    {
        using Scratch scratch = new();
        scratch.Write($"drivers/{library}", "not a library"u8);
        Outcome list = Run(scratch["drivers"], "devices");
        Assert.Equal(0, list.Code);
        Assert.Contains($"{device}: ", list.Output, StringComparison.Ordinal);
        Assert.Contains("cpu", list.Output, StringComparison.Ordinal);

        Outcome asked = Run(scratch["drivers"], "pretrain", "--data", scratch.Images(), "--out", scratch["run"], "--device", device);
        Assert.Equal(1, asked.Code);
        Assert.Contains($"'{device}' is not here", Assert.Single(asked.ErrorLines));
        Assert.False(Directory.Exists(scratch["run"]));
    }

    [Theory]
    [InlineData("libcuda.so.1", "cuda", "int cuInit(unsigned f) { return 999; }")]
    [InlineData("libcuda.so.1", "cuda", "int nothing;")]
    [InlineData("libOpenCL.so.1", "opencl", "int clGetPlatformIDs(unsigned n, void *p, unsigned *c) { return -1001; }")]
    [InlineData("libOpenCL.so.1", "opencl", "int nothing;")]
    public void A_driver_that_fails_or_lacks_functions_takes_only_its_own_devices_away(string library, string device, string source)
    {
        using Scratch scratch = new();
        Compile(scratch.Write("driver.c", System.Text.Encoding.ASCII.GetBytes(source)), scratch[library]);
        Outcome list = Run(scratch.Path, "devices");
        Assert.Equal((0, ""), (list.Code, list.Errors));
        Assert.Contains($"\n{device}: the driver shows no device", list.Output, StringComparison.Ordinal);
        Assert.DoesNotContain($"{device}:0", list.Output, StringComparison.Ordinal);
        Outcome asked = Run(scratch.Path, "pretrain", "--data", scratch.Images(), "--out", scratch["run"], "--device", device);
        Assert.Equal(1, asked.Code);
        Assert.Contains($"'{device}' is not here", Assert.Single(asked.ErrorLines));
        Outcome cpu = Run(scratch.Path, "devices", "--json");
        Assert.Contains("\"cpu\"", cpu.Output, StringComparison.Ordinal);
    }

    static void Compile(string source, string library)
    {
        foreach (string compiler in (string[])["gcc", "cc", "clang"])
        {
            try
            {
                using Process process = Process.Start(new ProcessStartInfo(compiler, ["-shared", "-nostdlib", "-fPIC", "-o", library, source]) { RedirectStandardError = true })!;
                process.WaitForExit();
                if (process.ExitCode == 0) return;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // The next one may be here.
            }
        }

        Assert.Skip("there is no C compiler");
    }
}
