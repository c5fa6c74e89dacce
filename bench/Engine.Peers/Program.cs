using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Engine.Peers;
using Engine.Tensors;

// Ours and libtorch in one process, alternating, medians over several rounds; then the peak memory of each in a process of its own:
//   .ci/with-opencl dotnet run -c Release --project bench/Engine.Peers -- --case vit_cifar --threads 2 [--rounds 9] [--json] [--no-memory]
// Where our time goes in a case, operation by operation: --profile.
// (libtorch needs a recent C++ library; .ci/with-opencl provides a system that has it.)
string? chosen = Option("--case");
int threads = int.Parse(Option("--threads") ?? "2", CultureInfo.InvariantCulture);
int rounds = int.Parse(Option("--rounds") ?? "9", CultureInfo.InvariantCulture);
bool json = args.Contains("--json"), memory = !args.Contains("--no-memory");

ThreadTeam.Threads = threads;
PeerCase[] cases = [.. PeerCases.All().Where(peer => chosen is null || peer.Name == chosen || peer.Name.StartsWith(chosen + " ", StringComparison.Ordinal))];
if (cases.Length == 0)
{
    Console.Error.WriteLine($"error: there is no case '{chosen}'; there are {string.Join(", ", PeerCases.All().Select(peer => peer.Name.Split(' ')[0]).Distinct())}.");
    return 1;
}

if (Option("--memory-of") is { } side)
{
    // A process that was started by the one below.
    if (side != "ours") TorchSharp.torch.set_num_threads(threads);
    Console.WriteLine(cases[0].MeasureMemory(side == "ours" ? PeerSides.Ours : PeerSides.Peer));
    return 0;
}

if (args.Contains("--profile"))
{
    ProfilingBackend profile = new(Device.Default.Backend);
    Device.Default = new("cpu", 0, profile);
    MachineRoofline machine = MachineRoofline.Measure(threads);
    foreach (PeerCase peer in cases)
    {
        StepProfile step = StepProfile.Measure(profile, peer.Prepare(PeerSides.Ours).Ours, steps: 5, warmUp: 3, byShape: args.Contains("--shapes"));
        Console.WriteLine(FormattableString.Invariant($"{peer.Name}, {threads} threads: {1e3 * step.Seconds:F1} ms, {1e3 * step.SecondsOutside:F1} outside operations; {machine.FlopsPerSecond / 1e9:F0} GFLOP/s, {machine.BytesPerSecond / 1e9:F1} GB/s"));
        foreach (OperationProfile operation in step.Operations)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"{operation.Name + " " + operation.Shape,-56} {operation.Calls,5} {1e3 * operation.Seconds,9:F2} ms {operation.Seconds / step.Seconds,6:P1}  {operation.Flops / operation.Seconds / 1e9,6:F1} GFLOP/s {operation.Bytes / operation.Seconds / 1e9,6:F1} GB/s  bound {operation.BoundSeconds(machine) / operation.Seconds,5:P0}"));
        }
    }

    return 0;
}

TorchSharp.torch.set_num_threads(threads);
foreach (PeerCase peer in cases)
{
    PeerResult result = peer.Measure(rounds);
    long? oursPeak = memory ? PeakOf(peer, "ours") : null, peerPeak = memory ? PeakOf(peer, "peer") : null;
    if (json)
    {
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            @case = peer.Name,
            threads,
            ours_ms = result.OursMilliseconds,
            peer_ms = result.PeerMilliseconds,
            ratio = result.Ratio,
            ours_best_ms = result.OursBest,
            peer_best_ms = result.PeerBest,
            ours_peak_mb = oursPeak,
            peer_peak_mb = peerPeak,
        }));
    }
    else
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{peer.Name,-44} {threads} threads  ours {result.OursMilliseconds,9:F2} ms  libtorch {result.PeerMilliseconds,9:F2} ms  ratio {result.Ratio:F2}  best {result.OursBest:F2} / {result.PeerBest:F2}  {(memory ? $"peak {oursPeak} / {peerPeak} MB" : "")}{peer.Describe(result)}"));
    }

    GC.Collect();
    GC.WaitForPendingFinalizers();
}

return 0;

long PeakOf(PeerCase peer, string side)
{
    ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true };
    foreach (string argument in (string[])[typeof(PeerCase).Assembly.Location, "--case", peer.Name, "--threads", $"{threads}", "--memory-of", side]) start.ArgumentList.Add(argument);
    if (!Path.GetFileNameWithoutExtension(Environment.ProcessPath!).Equals("dotnet", StringComparison.Ordinal)) start.ArgumentList.RemoveAt(0);
    using Process process = Process.Start(start)!;
    return long.Parse(process.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
}

string? Option(string name) => Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;
