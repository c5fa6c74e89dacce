using System.Globalization;

namespace Engine.Training;

/// <summary>
/// What a run's weights depend on, as names and texts: a run is resumed only by one of the same description. Threads,
/// prefetch and the validation images are not among it, since they decide nothing.
/// </summary>
static class RunDescription
{
    const int LongestText = 60;

    public static IReadOnlyList<(string Name, string Text)> Of(TrainingOptions options, string optimizer) =>
    [
        ("optimizer", optimizer),
        ("learning rate", Text(options.LearningRate)),
        ("weight decay", Text(options.WeightDecay)),
        ("lambda", Text(options.Lambda)),
        ("precision", options.Precision.ToString()),
        ("method's options", options.Method.Describe()),
        ("accumulated batches", Text(options.Accumulation)),
        ("epochs", Text(options.Epochs)),
        ("warm-up", Text(options.WarmUp)),
        ("schedule", options.Schedule.ToString()),
        ("gradient clipping", options.Clip is { } clip ? Text(clip) : "none"),
        ("label smoothing", Text(options.LabelSmoothing)),
        ("trained parameters", options.TrainOnly.Count == 0 ? "all" : Text(options.TrainOnly)),
        ("frozen parameters", Text(options.Freeze)),
        ("adaptation", options.Adaptation),
        ("anchorless parameters", Text(options.AnchorExclude)),
        ("seed", Text(options.Seed)),
    ];

    /// <summary>What the order and the pixels of images depend on.</summary>
    public static IReadOnlyList<(string Name, string Text)> Of(BatchLoader images) =>
        Of(images.Options, images.Options.Augmentation, images.Preprocessing, images.Dataset.Count);

    /// <summary>What the order and the pixels of pictures with masks depend on.</summary>
    public static IReadOnlyList<(string Name, string Text)> Of(SegmentationLoader pictures) =>
        Of(pictures.Options, pictures.Options.Augmentation, pictures.Preprocessing, pictures.Dataset.Count);

    static IReadOnlyList<(string Name, string Text)> Of(LoaderOptions options, object? augmentation, Preprocessing preprocessing, int count) =>
    [
        ("batch size", Text(options.BatchSize)),
        ("image order", $"{(options.Shuffle ? "shuffled" : "as listed")}, seed {Text(options.Seed)}"),
        ("augmentation", augmentation?.ToString() ?? "none"),
        ("preprocessing", preprocessing.ToString()),
        ("training images", Text(count)),
    ];

    /// <summary>The first difference, as the end of a sentence; null where there is none.</summary>
    public static string? Difference(IReadOnlyDictionary<string, string> saved, string prefix, IReadOnlyList<(string Name, string Text)> present)
    {
        foreach ((string name, string now) in present)
        {
            string was = saved.GetValueOrDefault(prefix + name, "not known");
            if (was == now) continue;
            int first = Start(was, now);
            return $"the {name} {(name.EndsWith('s') ? "were" : "was")} {Short(was, first)} in the saved run and {(name.EndsWith('s') ? "are" : "is")} {Short(now, first)} now";
        }

        return null;
    }

    // Of long texts only the part that differs is of interest: from the last separator before it.
    static int Start(string was, string now)
    {
        if (Math.Max(was.Length, now.Length) <= LongestText) return 0;
        return was.AsSpan(0, was.AsSpan().CommonPrefixLength(now)).LastIndexOfAny(',', '{') + 1;
    }

    static string Short(string text, int first)
    {
        string rest = text[first..].Trim();
        string end = rest.Length <= LongestText ? rest : $"{rest.AsSpan(0, LongestText)}...";
        return first == 0 ? end : $"... {end}";
    }

    static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    static string Text(IReadOnlyList<string> patterns) => patterns.Count == 0 ? "none" : string.Join(' ', patterns);
}
