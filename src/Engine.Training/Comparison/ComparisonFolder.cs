using System.Globalization;
using System.Text.Json;

namespace Engine.Training;

/// <summary>
/// What a comparison has found so far: <c>comparison.json</c> says of what, <c>runs/</c> has a file for each measured model,
/// <c>results.json</c> and <c>results.csv</c> have all of them. Every file is whole; a comparison that was stopped goes on from here.
/// </summary>
public sealed class ComparisonFolder
{
    /// <summary>The form of the files; a folder of another one is refused.</summary>
    public const string Version = "1";

    const string DescriptionFile = "comparison.json", RunsFolder = "runs";

    static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web) { WriteIndented = true, NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    readonly string folder;
    readonly ComparisonDescription description;
    readonly List<ComparisonOutcome> outcomes = [];

    ComparisonFolder(string folder, ComparisonDescription description) => (this.folder, this.description) = (folder, description);

    /// <summary>All outcomes, in the order they were found.</summary>
    public IReadOnlyList<ComparisonOutcome> Outcomes => outcomes;

    /// <summary>Makes a folder, or goes on with one that holds results of the same model, data and recipe.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="subject">What is compared.</param>
    /// <param name="options">How.</param>
    /// <exception cref="DatasetException">The folder holds results of something else, or of another version; the message names the difference.</exception>
    public static ComparisonFolder Open(string folder, ComparisonSubject subject, ComparisonOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(options);
        Dictionary<string, string> about = new(subject.Description);
        // What a method sets itself, and the seed, are in the outcomes.
        foreach ((string name, string text) in RunDescription.Of(options.Training, "the method's"))
            if (name != "seed") about[name] = text;
        ComparisonDescription wanted = new(Version, subject.ScoreName, subject.Domains, about);
        ComparisonFolder opened = new(folder, wanted);
        string path = Path.Combine(folder, DescriptionFile);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(Path.Combine(folder, RunsFolder));
            WholeFile.Write(path, stream => JsonSerializer.Serialize(stream, wanted, Form));
            return opened;
        }

        opened.Require(path, Read<ComparisonDescription>(path));
        foreach (string file in Directory.EnumerateFiles(Path.Combine(folder, RunsFolder), "*.json").Order(StringComparer.Ordinal)) opened.outcomes.Add(Read<ComparisonOutcome>(file));
        return opened;
    }

    /// <summary>True if a model has been measured already.</summary>
    public bool Holds(string method, double value, ulong seed) => outcomes.Any(outcome => outcome.Method == method && outcome.Value == value && outcome.Seed == seed);

    /// <summary>Keeps an outcome, on disk before this returns.</summary>
    public void Add(ComparisonOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        string name = string.Create(CultureInfo.InvariantCulture, $"{outcome.Method}_{outcome.Value}_seed{outcome.Seed}.json");
        WholeFile.Write(Path.Combine(folder, RunsFolder, name), stream => JsonSerializer.Serialize(stream, outcome, Form));
        outcomes.RemoveAll(known => (known.Method, known.Value, known.Seed) == (outcome.Method, outcome.Value, outcome.Seed));
        outcomes.Add(outcome);
        Results().Save(Path.Combine(folder, ExperimentResults.FileName));
        WriteCsv(Path.Combine(folder, "results.csv"));
    }

    ExperimentResults Results() => new()
    {
        About = $"{outcomes.Count} models fine-tuned on {description.Domains[0]} and measured on {string.Join(", ", description.Domains)}",
        Domain = description.Domains[0],
        Others = [.. description.Domains.Skip(1)],
        Settings = [.. description.About.Select(pair => (string[])[pair.Key, pair.Value])],
        Pretrained = outcomes.Where(outcome => outcome.Method == MethodComparison.Initial).Select(RunOf).FirstOrDefault(),
        Runs = [.. outcomes.Where(outcome => outcome.Method != MethodComparison.Initial).Select(RunOf)],
    };

    ExperimentRun RunOf(ComparisonOutcome outcome)
    {
        string? knob = ComparedMethods.Find(outcome.Method)?.Knob;
        return new()
        {
            Method = outcome.Method,
            Knob = knob,
            Value = knob is null ? null : outcome.Value,
            Seed = outcome.Seed,
            Accuracy = description.Domains.Zip(outcome.Scores).ToDictionary(pair => pair.First, pair => pair.Second),
            Validation = outcome.Validation,
            Deviation = outcome.Deviation ?? double.NaN,
            Projected = outcome.Projected,
            Epoch = outcome.Epoch,
            Trained = outcome.Trained,
            Seconds = outcome.Seconds,
            PeakBytes = outcome.PeakBytes,
        };
    }

    void WriteCsv(string path) => CsvFile.Write(path,
        ["method", "value", "seed", "epoch", "validation", .. description.Domains.Select(domain => $"{description.Score} {domain}"), "OOD mean", "deviation", "projected", "trained", "seconds", "peak bytes"],
        outcomes.Select(outcome => (IReadOnlyList<object>)
        [
            outcome.Method, outcome.Value, outcome.Seed, outcome.Epoch, outcome.Validation, .. outcome.Scores.Cast<object>(), outcome.OutOfDistribution,
            outcome.Deviation is { } deviation ? deviation : "", outcome.Projected is { } share ? share : "", outcome.Trained, outcome.Seconds, outcome.PeakBytes,
        ]));

    void Require(string path, ComparisonDescription found)
    {
        if (found.Version != Version) throw new DatasetException(path, $"results of version {found.Version}, this program writes version {Version}; name another folder");
        if (!found.Domains.SequenceEqual(description.Domains))
            throw new DatasetException(path, $"results on {string.Join(", ", found.Domains)}, asked for are {string.Join(", ", description.Domains)}; name another folder, or the same domains in the same order");
        foreach ((string name, string text) in description.About)
            if (found.About.GetValueOrDefault(name) is var was && was != text)
                throw new DatasetException(path, $"holds results of another comparison: the {name} {(name.EndsWith('s') ? "were" : "was")} {was ?? "not said"} and {(name.EndsWith('s') ? "are" : "is")} {text} now; name another folder");
    }

    static T Read<T>(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return JsonSerializer.Deserialize<T>(stream, Form) ?? throw new JsonException("it is empty");
        }
        catch (JsonException exception)
        {
            throw new DatasetException(path, $"is not a file of a comparison ({exception.Message.TrimEnd('.')}); remove it, and what it held is done again", exception);
        }
    }
}

/// <summary>What results are of.</summary>
/// <param name="Version">The form of the files.</param>
/// <param name="Score">What the score is called.</param>
/// <param name="Domains">What was measured on; the first is what was trained on.</param>
/// <param name="About">Model, data and recipe.</param>
public sealed record ComparisonDescription(string Version, string Score, IReadOnlyList<string> Domains, IReadOnlyDictionary<string, string> About);
