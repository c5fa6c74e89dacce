using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Engine.Training;

/// <summary>
/// <c>report.html</c>: one file that shows runs and comparisons in any browser, without a network: layers over steps, a layer's
/// curves, the share of projections over depth, losses, accuracy in and out of distribution, and the configuration.
/// </summary>
public static partial class ReportPage
{
    /// <summary>The usual name.</summary>
    public const string FileName = "report.html";

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Writes the page; the file appears only when whole.</summary>
    /// <param name="path">Where.</param>
    /// <param name="title">Its heading.</param>
    /// <param name="runs">The runs.</param>
    /// <param name="results">What methods were compared to, or null.</param>
    public static void Save(string path, string title, IReadOnlyList<ReportRun> runs, ExperimentResults? results = null)
    {
        ArgumentNullException.ThrowIfNull(runs);

        // The serializer writes < as \u003C: no text of a run can end the script that holds the data.
        string data = JsonSerializer.Serialize(new { About = results?.About ?? "", Runs = runs.Select(Run).ToArray(), Results = results is null ? null : Of(results) }, Json);
        Dictionary<string, string> parts = new()
        {
            ["title"] = WebUtility.HtmlEncode(title),
            ["css"] = Asset("report.css"),
            ["script"] = Asset("report.js"),
            ["echarts"] = Asset("echarts.min.js"),
            ["data"] = data,
        };
        string page = Place().Replace(Asset("report.html"), match => parts[match.Groups[1].Value]);
        WholeFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(page)));
    }

    static object Run(ReportRun run) => new
    {
        run.Name,
        About = run.Record?.About ?? "",
        Settings = run.Record?.Settings ?? [],
        Facts = Facts(run.Record).ToArray(),
        Curves = (run.Record?.Curves ?? []).Select(curve => new
        {
            curve.Name,
            Step = curve.Points.Select(point => point.Step).ToArray(),
            Loss = curve.Points.Select(point => point.Loss).ToArray(),
            Validation = curve.Validations.Where(result => double.IsFinite(result.Loss)).ToArray(),
        }).ToArray(),
        Trace = run.Trace is { StepCount: > 0 } trace ? new ReportTrace(trace) : null,
    };

    static IEnumerable<string[]> Facts(RunRecord? record)
    {
        if (record?.Curves is not [.., { } last]) yield break;
        if (last.Points.Count > 0) yield return ["last training loss", last.Points[^1].Loss.ToString("0.####", CultureInfo.InvariantCulture)];
        if (last.Validations.Count > 0) yield return ["best on validation", last.Validations.MaxBy(result => result.Score).Summary];
    }

    static object Of(ExperimentResults results) => new
    {
        results.Domain,
        results.Others,
        Pretrained = results.Pretrained is { } start ? Of(results, start) : null,
        Runs = results.Runs.Select(run => Of(results, run)).ToArray(),
    };

    static object Of(ExperimentResults results, ExperimentRun run) => new
    {
        run.Method,
        run.Knob,
        run.Value,
        run.Seed,
        run.Accuracy,
        run.Deviation,
        run.Projected,
        Id = run.Accuracy.TryGetValue(results.Domain, out double home) ? home : (double?)null,
        Ood = results.Others.Where(run.Accuracy.ContainsKey).Select(domain => (double?)run.Accuracy[domain]).Average(),
    };

    static string Asset(string name)
    {
        using Stream stream = typeof(ReportPage).Assembly.GetManifestResourceStream($"Engine.Training.Reports.Assets.{name}")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\{\{(title|css|script|echarts|data)\}\}")]
    private static partial Regex Place();
}
