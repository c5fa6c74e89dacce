using System.Globalization;
using Engine.Models;

namespace Engine.Training;

/// <summary>
/// What a run's weights depend on, as names and texts: a run is resumed only by one of the same description. Threads,
/// prefetch and the validation images are not among it, since they decide nothing.
/// </summary>
static class RunDescription
{
    const int LongestText = 60;

    public static IReadOnlyList<(string Name, string Text)> Of(VisionTransformer model, TrainingOptions options, string optimizer, BatchLoader images) =>
    [
        ("optimizer", optimizer),
        ("learning rate", Text(options.LearningRate)),
        ("weight decay", Text(options.WeightDecay)),
        ("lambda", Text(options.Lambda)),
        ("epochs", Text(options.Epochs)),
        ("warm-up", Text(options.WarmUp)),
        ("schedule", options.Schedule.ToString()),
        ("gradient clipping", options.Clip is { } clip ? Text(clip) : "none"),
        ("label smoothing", Text(options.LabelSmoothing)),
        ("frozen parameters", Text(options.Freeze)),
        ("anchorless parameters", Text(options.AnchorExclude)),
        ("seed", Text(options.Seed)),
        ("batch size", Text(images.Options.BatchSize)),
        ("image order", $"{(images.Options.Shuffle ? "shuffled" : "as listed")}, seed {Text(images.Options.Seed)}"),
        ("augmentation", images.Options.Augmentation?.ToString() ?? "none"),
        ("preprocessing", images.Preprocessing.ToString()),
        ("training images", Text(images.Dataset.Count)),
        ("classes", string.Join(", ", images.Dataset.ClassNames)),
        ("image size", Text(model.Config.ImageSize)),
        ("heads", Text(model.Config.Heads)),
        ("dropout", Text(model.Config.Dropout)),
        ("drop path", Text(model.Config.DropPath)),
    ];

    /// <summary>The first difference, as the end of a sentence; null where there is none.</summary>
    public static string? Difference(IReadOnlyDictionary<string, string> saved, string prefix, IReadOnlyList<(string Name, string Text)> present)
    {
        foreach ((string name, string text) in present)
        {
            string was = saved.GetValueOrDefault(prefix + name, "not known");
            if (was != text) return $"the {name} {(name.EndsWith('s') ? "were" : "was")} {Short(was)} in the saved run and {(name.EndsWith('s') ? "are" : "is")} {Short(text)} now";
        }

        return null;
    }

    static string Short(string text) => text.Length <= LongestText ? text : $"{text.AsSpan(0, LongestText)}...";

    static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    static string Text(IReadOnlyList<string> patterns) => patterns.Count == 0 ? "none" : string.Join(' ', patterns);
}
