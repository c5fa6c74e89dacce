using System.Diagnostics;

namespace Engine.Peers;

/// <summary>Medians of a case, milliseconds a call.</summary>
readonly record struct PeerResult(double OursMilliseconds, double PeerMilliseconds, long PeakMegabytes)
{
    public double Ratio => OursMilliseconds / PeerMilliseconds;
}

/// <summary>One piece of work, done by us and by libtorch from the same numbers.</summary>
/// <param name="Name">What <c>--case</c> selects.</param>
/// <param name="Prepare">Makes both sides; called when the case's turn comes.</param>
/// <param name="Flops">Floating-point operations of a call, 0 where they say little.</param>
sealed record PeerCase(string Name, Func<PeerPair> Prepare, double Flops = 0)
{
    // The runtime compiles a method again, better, once it has been busy for a while; libtorch packs and plans on first use.
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1.5);

    /// <summary>Times A B A B, after the check that both compute the same and a warm-up of both.</summary>
    public PeerResult Measure(int rounds, string? only)
    {
        PeerPair pair = Prepare();
        if (only is null) pair.Check();
        long start = Stopwatch.GetTimestamp();
        List<double> ours = [], peer = [];
        while (ours.Count < rounds)
        {
            bool warm = Stopwatch.GetElapsedTime(start) >= WarmUp;
            double a = only == "peer" ? double.NaN : Time(pair.Ours), b = only == "ours" ? double.NaN : Time(pair.Peer);
            if (!warm) continue;
            ours.Add(a);
            peer.Add(b);
        }

        using Process self = Process.GetCurrentProcess();
        return new(Median(ours), Median(peer), self.PeakWorkingSet64 >> 20);
    }

    public string Describe(PeerResult result) => Flops == 0 ? "" : FormattableString.Invariant(
        $"  {Flops / result.OursMilliseconds / 1e6:F0} against {Flops / result.PeerMilliseconds / 1e6:F0} GFLOP/s");

    static double Time(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}

/// <summary>Both sides of a case.</summary>
/// <param name="Ours">One call of ours.</param>
/// <param name="Peer">One call of libtorch's.</param>
/// <param name="Check">Throws unless both give the same result.</param>
readonly record struct PeerPair(Action Ours, Action Peer, Action Check)
{
    /// <summary>Throws unless two numbers agree.</summary>
    public static void Same(string what, double ours, double peer, double tolerance = 1e-3)
    {
        if (!(Math.Abs(ours - peer) <= tolerance * (1 + Math.Abs(peer))))
            throw new InvalidOperationException($"{what}: ours {ours:R}, libtorch {peer:R}.");
    }
}
