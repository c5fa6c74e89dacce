using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options that measure under corruptions, and the table that comes of it; classifiers and segmenters share it.</summary>
static class CorruptionArguments
{
    public static Option<string?> Kinds { get; } = new("--corruptions")
    {
        Description = $"Images: measure under corruptions too, as ImageNet-C defines them: all, or some of {Words(",")}, with commas.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    static readonly Option<string> Severities = new("--severities") { Description = "Images: how strong the corruptions are: 1-5, 3, or 1,3,5.", DefaultValueFactory = _ => $"1-{Corruptions.MaxSeverity}" };

    public static IReadOnlyList<Option> Options => [Kinds, Severities];

    /// <summary>A line for the help of those who take the options.</summary>
    public const string Help = "    engine evaluate --model run/best --data test --corruptions --severities 1-5";

    /// <summary>What was asked for; null where nothing was.</summary>
    /// <exception cref="UsageException">A word or a number makes no sense.</exception>
    public static (IReadOnlyList<Corruption> Kinds, IReadOnlyList<int> Severities)? Read(ParseResult parsed)
    {
        if (parsed.IsGiven(Kinds)) return (ReadKinds(parsed.GetValue(Kinds)), ReadSeverities(parsed.GetValue(Severities)!));
        if (parsed.IsGiven(Severities)) throw new UsageException($"{Severities.Name} does nothing without {Kinds.Name}.");
        return null;
    }

    /// <summary>Measures without corruption and under each that was asked for; progress is that of all together.</summary>
    /// <param name="asked">What <see cref="Read"/> gave.</param>
    /// <param name="measure">Measures under a corruption, or under none.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    public static (TResult Clean, CorruptionResult? Suite) Measure<TResult>(
        (IReadOnlyList<Corruption> Kinds, IReadOnlyList<int> Severities)? asked, Func<CorruptionCase?, IProgress<TrainingProgress>, TResult> measure, CancellationToken cancellation)
        where TResult : Measurement => ProgressDisplay.Run(progress =>
    {
        ProgressInParts parts = new(progress, 1 + (asked?.Kinds.Count * asked?.Severities.Count ?? 0));
        TResult clean = measure(null, parts);
        CorruptionResult? suite = asked is not { } found ? null : CorruptionSuite.Run(found.Kinds, found.Severities, corrupted =>
        {
            if (corrupted is null) return clean;
            parts.Next();
            return measure(corrupted, parts);
        }, cancellation);
        return (clean, suite);
    });

    /// <summary>A row a corruption, a column a severity, and their means.</summary>
    public static void Print(CorruptionResult result)
    {
        Console.WriteLine($"{result.Clean.ScoreName} under corruptions, %: clean {Tables.Percent(result.Clean.Score)}, mean {Tables.Percent(result.MeanScore)} ({Tables.Percent(result.Relative(result.MeanScore))} % of clean)");
        IEnumerable<IReadOnlyList<string>> rows = result.Corruptions.Select(kind => (IReadOnlyList<string>)
        [
            kind.Word(), .. result.Severities.Select(severity => Tables.Percent(result[kind, severity].Score)), Tables.Percent(result.Mean(kind)), Tables.Percent(result.Relative(result.Mean(kind))),
        ]);
        Tables.Print(["corruption", .. result.Severities.Select(severity => $"severity {severity}"), "mean", "of clean, %"], rows);
    }

    /// <summary>The same as a property of a JSON object.</summary>
    public static void Write(Utf8JsonWriter json, CorruptionResult result)
    {
        json.WriteStartObject("corruptions");
        json.WriteString("score", result.Clean.ScoreName);
        json.WriteFinite("clean", result.Clean.Score);
        json.WriteFinite("mean", result.MeanScore);
        json.WriteFinite("relative", result.Relative(result.MeanScore));
        json.WriteStartArray("kinds");
        foreach (Corruption kind in result.Corruptions)
        {
            json.WriteStartObject();
            json.WriteString("name", kind.Word());
            json.WriteFinite("mean", result.Mean(kind));
            json.WriteFinite("relative", result.Relative(result.Mean(kind)));
            json.WriteStartObject("severities");
            foreach (int severity in result.Severities) json.WriteFinite(severity.ToString(CultureInfo.InvariantCulture), result[kind, severity].Score);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    static List<Corruption> ReadKinds(string? text)
    {
        List<Corruption> kinds = [];
        foreach (string word in (text ?? "all").Split(',', StringSplitOptions.TrimEntries))
        {
            if (word == "all") kinds.AddRange(Corruptions.All);
            else if (Corruptions.All.Where(kind => kind.Word() == word).ToArray() is [Corruption found]) kinds.Add(found);
            else throw new UsageException($"{Kinds.Name} is '{text}'; choose all or some of {Words(", ")}, with commas.");
        }

        return [.. kinds.Distinct()];
    }

    static List<int> ReadSeverities(string text)
    {
        List<int> severities = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !Read(ends[0], out int first) || !Read(ends[^1], out int last) || first > last)
                throw new UsageException($"{Severities.Name} is '{text}'; expected numbers from 1 to {Corruptions.MaxSeverity}, such as 1-5, 3 or 1,3,5.");
            for (int severity = first; severity <= last; severity++) severities.Add(severity);
        }

        return [.. severities.Distinct()];

        static bool Read(string digits, out int severity) =>
            int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out severity) && severity is >= 1 and <= Corruptions.MaxSeverity;
    }

    static string Words(string separator) => string.Join(separator, Corruptions.All.Select(kind => kind.Word()));
}
