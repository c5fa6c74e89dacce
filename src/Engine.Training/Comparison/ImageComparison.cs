using System.Globalization;
using Engine.Models;

namespace Engine.Training;

/// <summary>A set of images to measure on, under a name.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="Images">The images, of the model's classes.</param>
/// <param name="Preprocessing">How they become input; null as the training images do.</param>
public sealed record ImageDomain(string Name, IImageDataset Images, Preprocessing? Preprocessing = null);

/// <summary>Methods compared on an image classifier from a folder.</summary>
public sealed class ImageComparison : ComparisonSubject
{
    /// <summary>The model's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The images to learn from.</summary>
    public required IImageDataset Training { get; init; }

    /// <summary>Images of the same domain to choose epochs and knobs by.</summary>
    public required IImageDataset Validation { get; init; }

    /// <summary>What is tested on: first other images of the domain that is trained on.</summary>
    public required IReadOnlyList<ImageDomain> Tests { get; init; }

    /// <summary>How the training images are varied.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.None;

    /// <summary>Images a batch.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>The side of the model's input, where it is to be another than the folder's.</summary>
    public int? ImageSize { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Domains => [.. Tests.Select(test => test.Name)];

    /// <inheritdoc/>
    public override string ScoreName => "accuracy";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Description => new Dictionary<string, string>
    {
        ["model"] = Fingerprint.OfModel(Folder),
        ["image size"] = ImageSize?.ToString(CultureInfo.InvariantCulture) ?? "the model's",
        ["classes"] = string.Join(", ", Training.ClassNames),
        ["training images"] = Fingerprint.Of(Training),
        ["validation images"] = Fingerprint.Of(Validation),
        ["tests"] = string.Join("; ", Tests.Select(test => $"{test.Name} {Fingerprint.Of(test.Images)}")),
        ["augmentation"] = Augmentation.ToString(),
        ["batch size"] = BatchSize.ToString(CultureInfo.InvariantCulture),
    };

    /// <inheritdoc/>
    public override TrainingTask Begin(ulong seed)
    {
        IReadOnlyList<string>? known = ClassifierFiles.ReadClassNames(Folder);
        ImageClassifier model = ModelFolder.Load<ImageClassifier>(Folder, new()
        {
            Seed = seed,
            ImageSize = ImageSize,
            Classes = Training.ClassNames.Count,
            FreshHead = known is not null && !known.SequenceEqual(Training.ClassNames),
        }).Model;
        Preprocessing preprocessing = PreprocessingOf(model);
        BatchLoader training = new(Training, preprocessing, new BatchLoaderOptions
        {
            BatchSize = Math.Min(BatchSize, Training.Count),
            Shuffle = true,
            DropLast = true,
            Seed = seed,
            Augmentation = Augmentation,
        });
        return new ImageClassificationTask(model, training, Loader(Validation, preprocessing));
    }

    /// <inheritdoc/>
    public override Measurement Measure(TrainingTask task, int domain, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(task);
        ImageClassifier model = (ImageClassifier)task.Model;
        ImageDomain test = Tests[domain];
        return Evaluator.Run(model, Loader(test.Images, test.Preprocessing ?? PreprocessingOf(model)), cancellation);
    }

    Preprocessing PreprocessingOf(ImageClassifier model) => ClassifierFiles.PreprocessingOf(Folder, model.ImageSize);

    BatchLoader Loader(IImageDataset images, Preprocessing preprocessing) => new(images, preprocessing, new BatchLoaderOptions { BatchSize = Math.Max(BatchSize, 32) });
}
