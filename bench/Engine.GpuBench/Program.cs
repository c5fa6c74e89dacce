using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Engine.Gpu;
using Engine.GpuBench;
using Engine.Tensors;

// Checks a device, then measures it: ours against torch where that is installed. bench/bundle.sh makes an archive of it.
Settings settings;
try
{
    settings = Settings.Parse(args);
}
catch (ArgumentException wrong)
{
    return Fail(wrong.Message);
}

if (settings.Help)
{
    Console.WriteLine(Settings.Usage);
    return 0;
}

try
{
    Device device = Choose(settings.Device);
    bool processor = GpuDevices.All.Any(each => each.Name == device.ToString() && each.IsCpu);
    settings.Quick |= processor;
    BenchCase[] cases = [.. BenchCases.All(settings.Quick, processor).Where(each => each.Name.Contains(settings.Only, StringComparison.OrdinalIgnoreCase))];
    if (settings.List) return List(cases);
    if (cases.Length == 0) return Fail($"no case has '{settings.Only}' in its name; --list names them");
    string version = typeof(GpuDevices).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
    Console.WriteLine($"engine {version}, {RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}, {Environment.ProcessorCount} processors, {RuntimeInformation.FrameworkDescription}");
    Console.WriteLine($"{device}: {device.Backend.Description}");
    if (settings.Checks && !Checks.Run(device, settings.Suite)) return Fail($"{device} computes something wrong: nothing is measured. Please send all of this output");
    return Measure(device, processor, cases);
}
catch (DeviceException absent)
{
    return Fail(absent.Message);
}

// auto is the first GPU; where there is none, whatever OpenCL shows.
static Device Choose(string name)
{
    if (name != "auto") return GpuDevices.Select(name);
    GpuDeviceInfo? found = GpuDevices.All.Where(each => each.IsUsable).OrderBy(each => each.IsCpu).FirstOrDefault();
    return found is not null ? GpuDevices.Select(found.Name)
        : throw new DeviceException($"There is no GPU that can be used. {string.Join("; ", [.. GpuDevices.All.Select(each => $"{each.Name}: {each.Problem}"), .. GpuDevices.Notes])}");
}

int Measure(Device device, bool processor, BenchCase[] cases)
{
    Rounds rounds = new(device, settings.Rounds ?? (settings.Quick ? 5 : 7), warmUp: settings.Quick ? 0.3 : 1, length: settings.Quick ? 0.05 : 0.2);
    (TorchPeer? peer, string? absent) = settings.Peer ? TorchPeer.Start(settings.Python, PeerDevice(device, processor)) : (null, "not asked for");
    using TorchPeer? ended = peer;
    Console.WriteLine(peer is null ? $"torch: not there ({absent}); ours alone" : $"torch: {peer.Name}");
    List<Result> results = [];
    long start = Stopwatch.GetTimestamp();
    foreach (BenchCase each in cases)
    {
        Result result = Run(each, device, peer, rounds);
        results.Add(result);
        Console.WriteLine(result.Json());
        Console.Out.Flush();
    }

    (int kernels, TimeSpan loading) = DeviceCheck.LoadedKernels(device);
    Console.WriteLine(FormattableString.Invariant($"{results.Count} cases in {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s; {kernels} kernels loaded in {loading.TotalSeconds:F1} s, not counted in any case"));
    Print(results);
    return results.Any(each => each.IsWrong) ? 1 : 0;
}

static string PeerDevice(Device device, bool processor) => processor ? "cpu" : device.Kind == "cuda" ? device.ToString() : "cuda:0";

static Result Run(BenchCase each, Device device, TorchPeer? peer, Rounds rounds)
{
    string? failure = null, absent = null;
    bool wrong = false;
    Timing timing = default;
    using (StepScope scope = StepScope.Begin())
    {
        Action? ours = null;
        try
        {
            Work work = each.Prepare(device);
            failure = work.Fault();
            wrong = failure is not null;
            if (!wrong) ours = work.Run;
        }
        catch (DeviceException missing)
        {
            failure = missing.Message;
        }

        if (peer is not null && each.Peer is not null) absent = peer.Prepare(each.Peer, rounds.WarmUp);
        try
        {
            timing = rounds.Measure(ours, peer is not null && absent is null ? peer : null);
        }
        catch (DeviceException late)
        {
            failure = late.Message;
        }

        if (peer is not null) peer.Release();
    }

    // Parameters live outside the scope, until the collector finds them.
    GC.Collect();
    GC.WaitForPendingFinalizers();
    return new(each, device.ToString(), timing, failure, absent) { IsWrong = wrong };
}

static void Print(List<Result> results)
{
    IReadOnlyList<string>[] lines = [Result.Header, .. results.Select(each => each.Row())];
    int[] widths = [.. Result.Header.Select((_, column) => lines.Max(line => line[column].Length))];
    Console.WriteLine();
    foreach (IReadOnlyList<string> line in lines)
        Console.WriteLine(string.Join("  ", line.Select((cell, column) => column == 0 || column >= 6 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
}

static int List(BenchCase[] cases)
{
    foreach (BenchCase each in cases) Console.WriteLine(each.Bar is null ? each.Name : $"{each.Name}    {each.Bar.Text}");
    return 0;
}

static int Fail(string message)
{
    Console.Error.WriteLine($"error: {message.TrimEnd('.')}.");
    return 1;
}
