using Engine.Models;

namespace Engine.Training.Tests;

/// <summary>Methods compared: the same start for all, knobs chosen by validation alone, nothing done twice.</summary>
public sealed class ComparisonTests : IDisposable
{
    readonly string folder = Directory.CreateTempSubdirectory("engine-compare-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    ImageComparison Subject(int images = 24)
    {
        string model = Path.Combine(folder, "vit");
        if (!Directory.Exists(model))
            ModelFolder.Save(new VisionTransformer(new VitConfig { ImageSize = 16, PatchSize = 8, Width = 16, Depth = 2, Heads = 2, MlpWidth = 32, Classes = 10 }, 1), model);
        IImageDataset Drawn(DrawnSplit split, DrawnDomain domain, int count) => new DrawnDomains(3, split, [domain], count, 16);
        return new()
        {
            Folder = model,
            Training = Drawn(DrawnSplit.Train, DrawnDomain.Sketch, images),
            Validation = Drawn(DrawnSplit.Validation, DrawnDomain.Sketch, 20),
            Tests = [new("sketch", Drawn(DrawnSplit.Test, DrawnDomain.Sketch, 20)), new("photo", Drawn(DrawnSplit.Test, DrawnDomain.Photo, 20)), new("filled", Drawn(DrawnSplit.Test, DrawnDomain.Filled, 20))],
            BatchSize = 8,
        };
    }

    static ComparisonOptions Options(params (string Name, double[] Values)[] methods) => new()
    {
        Methods = [.. methods.Select(method => (ComparedMethods.Find(method.Name)!, (IReadOnlyList<double>)method.Values))],
        Seeds = [1, 2],
        Training = new() { LearningRate = 1e-3, Epochs = 2 },
    };

    ComparisonFolder Run(ImageComparison subject, ComparisonOptions options, string name = "out")
    {
        ComparisonFolder results = ComparisonFolder.Open(Path.Combine(folder, name), subject, options);
        new MethodComparison(subject, options).Run(results);
        return results;
    }

    [Fact]
    public void Mixtures_have_the_initial_and_the_trained_weights_at_their_ends()
    {
        ComparisonFolder results = Run(Subject(), Options(("adamw", []), ("wise-ft", [0, 0.5, 1])));
        ComparisonOutcome Of(string method, double value) => results.Outcomes.Single(outcome => outcome.Method == method && outcome.Value == value && outcome.Seed == 1);
        (ComparisonOutcome initial, ComparisonOutcome trained) = (Of(MethodComparison.Initial, 0), Of("adamw", 0));
        Assert.Equal(initial.Losses, Of("wise-ft", 0).Losses);
        Assert.Equal(trained.Losses, Of("wise-ft", 1).Losses);
        Assert.NotEqual(initial.Losses, trained.Losses);
        Assert.Equal(0.5 * trained.Deviation!.Value, Of("wise-ft", 0.5).Deviation!.Value, 1e-4 * trained.Deviation.Value);
        Assert.Equal(2 * (1 + 1 + 3), results.Outcomes.Count);
    }

    [Fact]
    public void A_comparison_that_was_stopped_ends_with_the_outcomes_of_one_that_was_not()
    {
        ImageComparison subject = Subject();
        ComparisonOptions options = Options(("adamw", []), ("adam-spd", [0.5, 2]), ("lora", []), ("series", []), ("probe", []));
        ComparisonFolder whole = Run(subject, options, "whole");
        MethodComparison comparison = new(subject, options);
        string path = Path.Combine(folder, "parts");
        for (int i = 0; i < 5; i++) Assert.True(comparison.RunNext(ComparisonFolder.Open(path, subject, options)));
        Assert.Equal(5, ComparisonFolder.Open(path, subject, options).Outcomes.Count);
        int repeated = 0;
        comparison.Finished += outcome => repeated += outcome.Method == MethodComparison.Initial ? 1 : 0;
        ComparisonFolder parts = ComparisonFolder.Open(path, subject, options);
        comparison.Run(parts);
        Assert.Equal(0, repeated);
        Assert.False(comparison.RunNext(parts));
        foreach (ComparisonOutcome expected in whole.Outcomes)
        {
            ComparisonOutcome found = parts.Outcomes.Single(outcome => (outcome.Method, outcome.Value, outcome.Seed) == (expected.Method, expected.Value, expected.Seed));
            Assert.Equal(expected.Losses, found.Losses);
            Assert.Equal(expected.Scores, found.Scores);
            Assert.Equal(expected.Deviation, found.Deviation);
            Assert.Equal(expected.Projected, found.Projected);
        }

        Assert.All(whole.Outcomes.Where(outcome => outcome.Method == "adam-spd"), outcome => Assert.InRange(outcome.Projected!.Value, 0.01, 0.99));
        Assert.All(whole.Outcomes.Where(outcome => outcome.Method == "series"), outcome => Assert.Null(outcome.Deviation));
        ExperimentResults written = ExperimentResults.Load(Path.Combine(path, "results.json"));
        Assert.Equal(("sketch", "photo", "filled"), (written.Domain, written.Others[0], written.Others[1]));
        Assert.Equal(whole.Outcomes.Count - 2, written.Runs.Count);
        foreach (ExperimentRun run in written.Runs)
        {
            ComparisonOutcome outcome = whole.Outcomes.Single(outcome => outcome.Method == run.Method && outcome.Value == (run.Value ?? 0) && outcome.Seed == run.Seed);
            Assert.Equal(outcome.Scores, [run.Accuracy["sketch"], run.Accuracy["photo"], run.Accuracy["filled"]]);
            Assert.Equal((outcome.Validation, outcome.Deviation ?? double.NaN, outcome.Projected), (run.Validation!.Value, run.Deviation, run.Projected));
        }

        Assert.Equal(whole.Outcomes.Count + 1, File.ReadAllLines(Path.Combine(path, "results.csv")).Length);
    }

    [Fact]
    public void Results_of_other_data_another_recipe_or_another_version_are_refused_in_a_line()
    {
        ComparisonOptions options = Options(("probe", []));
        ComparisonFolder.Open(Path.Combine(folder, "out"), Subject(), options);
        string Refused(ImageComparison subject, ComparisonOptions asked) => Assert.Throws<DatasetException>(() => ComparisonFolder.Open(Path.Combine(folder, "out"), subject, asked)).Message;
        Assert.Contains("training images were 24 images", Refused(Subject(images: 32), options), StringComparison.Ordinal);
        Assert.Contains("epochs were 2 and are 3 now", Refused(Subject(), options with { Training = options.Training with { Epochs = 3 } }), StringComparison.Ordinal);
        string description = Path.Combine(folder, "out", "comparison.json");
        File.WriteAllText(description, File.ReadAllText(description).Replace("\"version\": \"1\"", "\"version\": \"0\"", StringComparison.Ordinal));
        Assert.Contains("results of version 0", Refused(Subject(), options), StringComparison.Ordinal);
        File.WriteAllText(description, "{");
        Assert.Contains("is not a file of a comparison", Refused(Subject(), options), StringComparison.Ordinal);
    }

    [Fact]
    public void A_knob_is_chosen_by_validation_and_differences_are_taken_seed_by_seed()
    {
        static ComparisonOutcome Outcome(string method, double value, ulong seed, double validation, double inside, double outside) =>
            new(method, value, seed, validation, [inside, outside, outside], [1, 1, 1]) { Deviation = 1 };
        IReadOnlyList<ComparisonSummary> rows = ComparisonSummary.Of(
        [
            Outcome(MethodComparison.Initial, 0, 1, 0.1, 0.1, 0.2), Outcome(MethodComparison.Initial, 0, 2, 0.1, 0.1, 0.2),
            Outcome("adamw", 0, 1, 0.6, 0.60, 0.30), Outcome("adamw", 0, 2, 0.6, 0.50, 0.20),
            Outcome("adam-spd", 1, 1, 0.70, 0.65, 0.40), Outcome("adam-spd", 1, 2, 0.72, 0.56, 0.31),       // chosen
            Outcome("adam-spd", 2, 1, 0.50, 0.40, 0.90), Outcome("adam-spd", 2, 2, 0.50, 0.40, 0.90),       // better elsewhere, worse at home
            Outcome("adam-spd", 3, 1, 0.99, 0.99, 0.99),                                                    // one seed of two
        ]);
        Assert.Equal([MethodComparison.Initial, "adamw", "adam-spd"], rows.Select(row => row.Method));
        ComparisonSummary spd = rows[2];
        Assert.Equal(1, spd.Value);
        Assert.Equal(0.605, spd.Domains[0].Mean, 1e-12);
        Assert.Equal(0.355, spd.OutOfDistribution.Mean, 1e-12);
        // Differences 0.05 and 0.06: t(0.975; 1) = 12.706 times the standard error 0.005.
        Assert.Equal(0.055, spd.InDifference.Mean, 1e-12);
        Assert.Equal(12.706 * 0.005, spd.InDifference.HalfWidth, 1e-9);
        Assert.Equal(0.105, spd.OutDifference.Mean, 1e-12);
    }

    [Fact]
    public void Every_method_trains()
    {
        string[] names = [.. ComparedMethods.All.Select(method => method.Name)];
        ComparisonOptions options = Options([.. names.Select(name => (name, ComparedMethods.Find(name)!.Values.Take(1).ToArray()))]) with { Seeds = [1] };
        ComparisonFolder results = Run(Subject(), options);
        Assert.Equal([MethodComparison.Initial, .. names], results.Outcomes.Select(outcome => outcome.Method).OrderBy(name => name == MethodComparison.Initial ? -1 : Array.IndexOf(names, name)));
        foreach (ComparisonOutcome outcome in results.Outcomes.Where(outcome => outcome.Method != MethodComparison.Initial))
        {
            Assert.All(outcome.Losses, loss => Assert.True(double.IsFinite(loss), outcome.Method));
            Assert.True(outcome.Trained > 0 && outcome.PeakBytes > 0 && outcome.Epoch > 0, outcome.Method);
        }
    }
}
