using Engine.Tensors;

namespace Engine.GpuBench;

/// <summary>One piece of work that is timed on a device and, from numbers of the same shapes, in torch.</summary>
/// <param name="Name">What <c>--only</c> selects, and the JSON line names.</param>
/// <param name="Prepare">Makes our side; called when the case's turn comes.</param>
/// <param name="Peer">What torch is asked to do.</param>
/// <param name="Bar">What is aimed at, if anything is.</param>
sealed record BenchCase(string Name, Func<Device, Work> Prepare, PeerRequest? Peer, Bar? Bar = null)
{
    /// <summary>Floating-point operations of a call, 0 where they say little.</summary>
    public double Flops { get; init; }

    /// <summary>Bytes that a call has to move, 0 where they say little.</summary>
    public double Bytes { get; init; }
}

/// <summary>Our side of a case.</summary>
/// <param name="Run">Queues one call.</param>
/// <param name="Fault">Computes part of it on the CPU too; what is wrong, or null.</param>
sealed record Work(Action Run, Func<string?> Fault);

/// <summary>Medians of a case, milliseconds a call; null where that side was not there.</summary>
readonly record struct Timing(double? OursMilliseconds, double? PeerMilliseconds)
{
    public double? Ratio => OursMilliseconds / PeerMilliseconds;
}

/// <summary>What a case is to reach.</summary>
/// <param name="Text">For people.</param>
/// <param name="IsMet">Whether it does; null where it cannot be told.</param>
sealed record Bar(string Text, Func<BenchCase, Timing, bool?> IsMet)
{
    /// <summary>Our time is at most so many times torch's.</summary>
    public static Bar Ratio(double most) =>
        new(FormattableString.Invariant($"ratio <= {most:0.##}"), (_, timing) => timing.Ratio is { } ratio ? ratio <= most : null);

    /// <summary>At least so many floating-point operations, in billions a second.</summary>
    public static Bar Gflops(double least) =>
        new(FormattableString.Invariant($"{least:0} GFLOP/s"), (c, timing) => timing.OursMilliseconds is { } ms ? c.Flops / ms / 1e6 >= least : null);

    /// <summary>At most so long.</summary>
    public static Bar Milliseconds(double most) =>
        new(FormattableString.Invariant($"{most:0} ms"), (_, timing) => timing.OursMilliseconds is { } ms ? ms <= most : null);
}

/// <summary>What <c>peer.py</c> is asked to prepare; it documents the operations.</summary>
/// <param name="Op">The operation.</param>
/// <param name="Type">float32, bfloat16 or float16.</param>
/// <param name="Shape">Its extents, as the operation reads them.</param>
/// <param name="Option">A word that the operation knows.</param>
sealed record PeerRequest(string Op, string Type, int[] Shape, string Option = "");
