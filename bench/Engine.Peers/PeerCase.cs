using System.Diagnostics;

namespace Engine.Peers;

/// <summary>Milliseconds a call; NaN for a side that was left out.</summary>
readonly record struct PeerResult(double OursMilliseconds, double PeerMilliseconds, double OursBest, double PeerBest)
{
    public double Ratio => OursMilliseconds / PeerMilliseconds;
}

/// <summary>Who takes part.</summary>
enum PeerSides
{
    Both,
    Ours,
    Peer,
}

/// <summary>One piece of work, done by us and by libtorch from the same numbers.</summary>
/// <param name="Name">What <c>--case</c> selects.</param>
/// <param name="Prepare">Makes the sides that take part; called when the case's turn comes.</param>
/// <param name="Flops">Floating-point operations of a call, 0 where they say little.</param>
sealed record PeerCase(string Name, Func<PeerSides, PeerPair> Prepare, double Flops = 0)
{
    // The runtime compiles a method again, better, once it has been busy for a while; libtorch packs and plans on first use.
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1.5);

    /// <summary>Times A B A B, after the check that both compute the same and a warm-up of both.</summary>
    public PeerResult Measure(int rounds)
    {
        PeerPair pair = Prepare(PeerSides.Both);
        pair.Check!();
        long start = Stopwatch.GetTimestamp();
        List<double> ours = [], peer = [];
        for (int round = 0; ours.Count < rounds; round++)
        {
            bool warm = round > 0 && Stopwatch.GetElapsedTime(start) >= WarmUp;
            double a = Time(pair.Ours), b = Time(pair.Peer!);
            if (!warm) continue;
            ours.Add(a);
            peer.Add(b);
        }

        return new(Median(ours), Median(peer), ours.Min(), peer.Min());
    }

    /// <summary>Runs one side a few times and says how much memory the process has held, in MB. For a process of its own.</summary>
    public long MeasureMemory(PeerSides side)
    {
        PeerPair pair = Prepare(side);
        for (int i = 0; i < 4; i++) (side == PeerSides.Ours ? pair.Ours : pair.Peer!)();
        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 >> 20;
    }

    public string Describe(PeerResult result) => Flops == 0 ? "" : FormattableString.Invariant(
        $"  {Flops / result.OursMilliseconds / 1e6:F0} against {Flops / result.PeerMilliseconds / 1e6:F0} GFLOP/s");

    static double Time(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}

/// <summary>Both sides of a case.</summary>
/// <param name="Ours">One call of ours.</param>
/// <param name="Peer">One call of libtorch's; null where it takes no part.</param>
/// <param name="Check">Throws unless both give the same result.</param>
readonly record struct PeerPair(Action Ours, Action? Peer, Action? Check = null)
{
    /// <summary>Both give a number that tells whether they compute the same: a loss.</summary>
    public static PeerPair Of(Func<double> ours, Func<double>? peer) => new(() => ours(), peer is null ? null : () => peer(), () =>
    {
        // Of a training step the second loss tells whether gradients and optimizer agree, too.
        for (int i = 0; i < 2; i++) Same($"call {i}", ours(), peer!());
    });

    /// <summary>Throws unless two numbers agree.</summary>
    public static void Same(string what, double ours, double peer, double tolerance = 1e-3)
    {
        if (!(Math.Abs(ours - peer) <= tolerance * (1 + Math.Abs(peer))))
            throw new InvalidOperationException($"{what}: ours {ours:R}, libtorch {peer:R}.");
    }

    /// <summary>Throws unless all of two rows of numbers agree, as measured by the largest of them.</summary>
    public static void Same(ReadOnlySpan<float> ours, ReadOnlySpan<float> peer, double tolerance)
    {
        double largest = 0;
        foreach (float value in peer) largest = Math.Max(largest, Math.Abs(value));
        for (int i = 0; i < peer.Length; i++) Same($"element {i}", ours[i] / largest, peer[i] / largest, tolerance);
    }
}
