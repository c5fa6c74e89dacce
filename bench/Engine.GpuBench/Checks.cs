using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Engine.Gpu;
using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>
/// Whether a device computes what it should: a few operations against the CPU in this process, then the test suites, which the
/// archive carries beside it, with the device as default: operations, models and optimizers against references from torch.
/// </summary>
static partial class Checks
{
    // Timing tests, and those of the CPU's own kernels or memory.
    static readonly string[] Left = ["-trait-", "Speed=Slow", "-trait-", "Device=Cpu"];

    /// <summary>A run of a suite.</summary>
    /// <param name="Name">What it checks.</param>
    /// <param name="Assembly">The suite.</param>
    /// <param name="Filter">Which of its tests.</param>
    /// <param name="OnDevice">Whether the device is the default; else the CPU is, and the suite names the device where it means it.</param>
    sealed record Suite(string Name, string Assembly, string[] Filter, bool OnDevice = true);

    static readonly Suite[] References =
    [
        new("operations and gradients against torch", "Engine.Autograd.Tests", ["-class", "*.FixtureTests"]),
        new("models against their libraries", "Engine.Models.Tests", ["-class", "*FixtureTests"]),
        new("optimizers against official code", "Engine.Optim.Tests", ["-class", "*.ReferenceTests"]),
    ];

    static readonly Suite[] Everything =
    [
        new("tensors", "Engine.Tensors.Tests", Left), new("autograd", "Engine.Autograd.Tests", Left), new("optimizers", "Engine.Optim.Tests", Left),
        new("models", "Engine.Models.Tests", Left), new("kernels against the CPU", "Engine.Gpu.Tests", [.. Left, "-class-", "*.OfflineTests"], OnDevice: false),
    ];

    /// <summary>Runs them, prints a line each and the failures.</summary>
    /// <returns>True if everything is right.</returns>
    public static bool Run(Device device, bool suite)
    {
        bool right = true;
        foreach (DeviceCheckLine line in DeviceCheck.Run(device))
        {
            Console.WriteLine(FormattableString.Invariant($"check  {line.Operation,-24} {line.Problem ?? (line.IsRight ? "right" : "WRONG"),-8} error {line.Error:E1}  first run {line.Milliseconds:F0} ms"));
            right &= line.IsRight;
        }

        foreach (Suite each in suite ? Everything : References) right &= Passes(each, device);
        return right;
    }

    static bool Passes(Suite suite, Device device)
    {
        string program = Path.Combine(AppContext.BaseDirectory, suite.Assembly);
        if (!File.Exists(program))
        {
            Console.WriteLine($"check  {suite.Name}: {program} is not there; the archive of bench/bundle.sh has it");
            return false;
        }

        string errors = Path.GetTempFileName();
        try
        {
            long start = Stopwatch.GetTimestamp();
            string output = Output(suite, program, device, errors);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Match summary = Summary().Matches(output).LastOrDefault() ?? Match.Empty;
            int Count(string group) => summary.Success ? int.Parse(summary.Groups[group].Value, CultureInfo.InvariantCulture) : 0;
            (int total, int failed, int skipped) = (Count("total"), Count("failed") + Count("errors"), Count("skipped"));
            bool right = summary.Success && failed == 0 && total > skipped;
            Console.WriteLine(FormattableString.Invariant($"check  {suite.Name}: {total - failed - skipped} passed, {failed} failed, {skipped} skipped, {seconds:F0} s{Worst(errors)}"));
            if (!right) Console.WriteLine(string.Join('\n', output.Split('\n').TakeLast(60)));
            return right;
        }
        finally
        {
            File.Delete(errors);
        }
    }

    static string Output(Suite suite, string program, Device device, string errors)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in (string[])["-noColor", "-noLogo", "-parallel", "none", .. suite.Filter]) start.ArgumentList.Add(word);
        start.Environment["ENGINE_TEST_DEVICES"] = device.ToString();
        start.Environment["ENGINE_TEST_DEFAULT"] = suite.OnDevice ? device.ToString() : "cpu";
        start.Environment["ENGINE_TEST_ERRORS"] = errors;
        using Process process = Process.Start(start)!;
        Task<string> complaints = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + complaints.Result;
    }

    static string Worst(string errors) => File.ReadAllText(errors).Trim() is { Length: > 0 } worst ? $", worst {worst}" : "";

    [GeneratedRegex(@"Total: (?<total>\d+), Errors: (?<errors>\d+), Failed: (?<failed>\d+), Skipped: (?<skipped>\d+)")]
    private static partial Regex Summary();
}
