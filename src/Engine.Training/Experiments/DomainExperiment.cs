using System.Diagnostics;
using Engine.Models;
using Engine.Optim;

namespace Engine.Training;

/// <summary>
/// Fine-tuning on one visual domain, measured on all: a small vision transformer is pre-trained on the five drawn domains,
/// then fine-tuned on one of them by several methods from the same weights and the same batches. What it learns there, and
/// what it forgets of the others, is what robust fine-tuning is about (Tian et al. 2024, section 4.1, in small).
/// </summary>
public sealed class DomainExperiment
{
    readonly DomainExperimentOptions options;
    readonly Preprocessing preprocessing;
    readonly BatchLoader[] tests;

    /// <summary>An experiment that is about to begin; the options decide all of it.</summary>
    public DomainExperiment(DomainExperimentOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        this.options = options;
        preprocessing = Preprocessing.Plain(options.Model.ImageSize);
        tests = [.. DrawnDomains.All.Select(domain => Loader(DrawnSplit.Test, [domain], options.TestImages, shuffle: false, seed: 0))];
        Model = new VisionTransformer(options.Model, options.DataSeed);
    }

    /// <summary>The model; after <see cref="Run"/> it holds the last fine-tuned weights.</summary>
    public VisionTransformer Model { get; }

    /// <summary>How images become inputs.</summary>
    public Preprocessing Preprocessing => preprocessing;

    /// <summary>Called after pre-training (method null) and after each fine-tuning, while the model holds those weights.</summary>
    public event Action<DomainOutcome, Optimizer?>? Finished;

    /// <summary>Pre-trains, fine-tunes with every method and seed, and measures after each.</summary>
    /// <returns>The pre-trained model's outcome first, then one a method and seed.</returns>
    public IReadOnlyList<DomainOutcome> Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        List<DomainOutcome> outcomes = [];
        Stopwatch clock = Stopwatch.StartNew();
        BatchLoader everything = Loader(DrawnSplit.Train, DrawnDomains.All, options.PretrainingImages, shuffle: true, options.DataSeed);
        new Trainer(new ImageClassificationTask(Model, everything), options.Pretraining).Fit(progress, cancellation, "pre-training");
        TimeSpan pretrainingTime = clock.Elapsed;
        WeightSnapshot pretrained = new(Model);
        Add(outcomes, new(null, 0, Measure(cancellation), 0, pretrainingTime), null);

        foreach (ulong seed in options.Seeds)
        {
            // The validation images' stream is far from the pre-training images'; each seed has its own part of it.
            BatchLoader training = Loader(DrawnSplit.Validation, [options.Domain], options.FineTuningImages, shuffle: true, seed);
            foreach (FineTuningMethod method in options.Methods)
            {
                clock.Restart();
                pretrained.Restore(Model);
                Model.Unfreeze("*");
                Trainer trainer = new(new ImageClassificationTask(Model, training), method.Training with { Seed = seed });
                trainer.Fit(progress, cancellation, $"{method.Name}, seed {seed}");
                TimeSpan elapsed = clock.Elapsed;
                Add(outcomes, new(method.Name, seed, Measure(cancellation), pretrained.DistanceTo(Model), elapsed), trainer.Optimizer);
            }
        }

        return outcomes;
    }

    void Add(List<DomainOutcome> outcomes, DomainOutcome outcome, Optimizer? optimizer)
    {
        outcomes.Add(outcome);
        Finished?.Invoke(outcome, optimizer);
    }

    double[] Measure(CancellationToken cancellation) => [.. tests.Select(test => Evaluator.Run(Model, test, cancellation).Accuracy)];

    BatchLoader Loader(DrawnSplit split, IReadOnlyList<DrawnDomain> domains, int images, bool shuffle, ulong seed) => new(
        new CachedDataset(new DrawnDomains(options.DataSeed + seed, split, domains, images, options.Model.ImageSize)),
        preprocessing,
        new BatchLoaderOptions { BatchSize = options.BatchSize, Shuffle = shuffle, DropLast = shuffle, Seed = seed });
}

/// <summary>One way to fine-tune.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Training">Optimizer, rates, epochs; the seed is set by the experiment.</param>
public sealed record FineTuningMethod(string Name, TrainingOptions Training);

/// <summary>What a <see cref="DomainExperiment"/> does.</summary>
public sealed record DomainExperimentOptions
{
    /// <summary>The vision transformer, 32x32 images, ten classes.</summary>
    public required VitConfig Model { get; init; }

    /// <summary>How the model is pre-trained on all domains.</summary>
    public required TrainingOptions Pretraining { get; init; }

    /// <summary>The methods compared.</summary>
    public required IReadOnlyList<FineTuningMethod> Methods { get; init; }

    /// <summary>The domain that is fine-tuned on.</summary>
    public DrawnDomain Domain { get; init; } = DrawnDomain.Sketch;

    /// <summary>Seeds of the fine-tunings: each has its own images and order of batches, the same for all methods.</summary>
    public IReadOnlyList<ulong> Seeds { get; init; } = [1, 2];

    /// <summary>Decides the drawn images and the pre-training.</summary>
    public ulong DataSeed { get; init; } = 7;

    /// <summary>Pre-training images of each domain.</summary>
    public int PretrainingImages { get; init; } = 2000;

    /// <summary>Fine-tuning images.</summary>
    public int FineTuningImages { get; init; } = 1000;

    /// <summary>Test images of each domain.</summary>
    public int TestImages { get; init; } = 500;

    /// <summary>Images a batch.</summary>
    public int BatchSize { get; init; } = 64;
}

/// <summary>A measured model.</summary>
/// <param name="Method">How it was fine-tuned; null for the pre-trained model.</param>
/// <param name="Seed">Of the fine-tuning.</param>
/// <param name="Accuracy">On the test images of each domain, in the order of <see cref="DrawnDomains.All"/>, 0 to 1.</param>
/// <param name="Deviation">|W - W0| from the pre-trained weights, over all parameters.</param>
/// <param name="Elapsed">Training time.</param>
public sealed record DomainOutcome(string? Method, ulong Seed, IReadOnlyList<double> Accuracy, double Deviation, TimeSpan Elapsed)
{
    /// <summary>Accuracy on the domain that was fine-tuned on.</summary>
    public double InDistribution(DrawnDomain domain) => Accuracy[(int)domain];

    /// <summary>Mean accuracy on the other domains.</summary>
    public double OutOfDistribution(DrawnDomain domain) => Accuracy.Where((_, i) => i != (int)domain).Average();
}
