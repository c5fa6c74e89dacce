using System.Globalization;
using System.Text.Json;
using Engine.Peers;

// Ours and libtorch in one process, alternating, medians over several rounds:
//   .ci/with-opencl dotnet run -c Release --project bench/Engine.Peers -- --case vit_cifar --threads 2
// (libtorch needs a recent C++ library; .ci/with-opencl provides a system that has it.)
string? chosen = Option("--case");
int threads = int.Parse(Option("--threads") ?? "2", CultureInfo.InvariantCulture);
int rounds = int.Parse(Option("--rounds") ?? "9", CultureInfo.InvariantCulture);
bool json = args.Contains("--json");
string? only = Option("--only");                 // ours or peer: for measuring memory in a process of its own

Engine.Tensors.ThreadTeam.Threads = threads;
TorchSharp.torch.set_num_threads(threads);
IEnumerable<PeerCase> cases = PeerCases.All();
if (chosen is not null) cases = cases.Where(peer => peer.Name == chosen || peer.Name.StartsWith(chosen + " ", StringComparison.Ordinal));
foreach (PeerCase peer in cases)
{
    PeerResult result = peer.Measure(rounds, only);
    if (json)
    {
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            @case = peer.Name, threads, ours_ms = result.OursMilliseconds, peer_ms = result.PeerMilliseconds, ratio = result.Ratio, peak_mb = result.PeakMegabytes,
        }));
    }
    else
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{peer.Name,-44} {threads} threads  ours {result.OursMilliseconds,9:F2} ms  libtorch {result.PeerMilliseconds,9:F2} ms  ratio {result.Ratio:F2}  peak {result.PeakMegabytes} MB{peer.Describe(result)}"));
    }
}

string? Option(string name) => Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;
