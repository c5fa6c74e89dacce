using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Engine.GpuBench;

/// <summary>What came of a case: one JSON line, and a row of the table at the end.</summary>
/// <param name="Case">The case.</param>
/// <param name="Device">Where ours ran.</param>
/// <param name="Timing">The medians.</param>
/// <param name="Failure">Why ours is missing or wrong, or null.</param>
/// <param name="PeerAbsent">Why torch is missing, or null.</param>
sealed record Result(BenchCase Case, string Device, Timing Timing, string? Failure, string? PeerAbsent)
{
    static readonly JsonSerializerOptions Line = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>True if ours computed something wrong, which is worse than not being there.</summary>
    public bool IsWrong { get; init; }

    bool? BarMet => Case.Bar?.IsMet(Case, Timing);

    /// <summary>The JSON line; what is not known is left out.</summary>
    public string Json() => JsonSerializer.Serialize(new
    {
        @case = Case.Name,
        device = Device,
        ours_ms = Rounded(Timing.OursMilliseconds),
        peer_ms = Rounded(Timing.PeerMilliseconds),
        ratio = Rounded(Timing.Ratio),
        ours_gflops = Rounded(Rate(Case.Flops, Timing.OursMilliseconds)),
        peer_gflops = Rounded(Rate(Case.Flops, Timing.PeerMilliseconds)),
        ours_gbs = Rounded(Rate(Case.Bytes, Timing.OursMilliseconds)),
        peer_gbs = Rounded(Rate(Case.Bytes, Timing.PeerMilliseconds)),
        bar = Case.Bar?.Text,
        bar_met = BarMet,
        failure = Failure,
        peer_absent = PeerAbsent,
    }, Line);

    /// <summary>The columns of the table.</summary>
    public static IReadOnlyList<string> Header => ["case", "ours ms", "torch ms", "ratio", "ours", "torch", "bar", "met"];

    /// <summary>The row of the table.</summary>
    public IReadOnlyList<string> Row() =>
    [
        Case.Name, Text(Timing.OursMilliseconds), Text(Timing.PeerMilliseconds), Text(Timing.Ratio),
        Speed(Timing.OursMilliseconds), Speed(Timing.PeerMilliseconds), Case.Bar?.Text ?? "", Failure ?? (BarMet switch { true => "yes", false => "NO", null => Case.Bar is null ? "" : "not known" }),
    ];

    string Speed(double? milliseconds) => Rate(Case.Flops, milliseconds) is { } gflops ? $"{Text(gflops)} GFLOP/s" : Rate(Case.Bytes, milliseconds) is { } rate ? $"{Text(rate)} GB/s" : "";

    static double? Rate(double amount, double? milliseconds) => amount > 0 && milliseconds > 0 ? amount / milliseconds / 1e6 : null;

    static double? Rounded(double? value) => value is { } number ? double.Parse(FormattableString.Invariant($"{number:G4}"), System.Globalization.CultureInfo.InvariantCulture) : null;

    static string Text(double? value) => value is { } number ? number.ToString(number >= 100 ? "F0" : number >= 10 ? "F1" : "F3", System.Globalization.CultureInfo.InvariantCulture) : "-";
}
