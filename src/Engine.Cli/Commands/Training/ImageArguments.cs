using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options of images in one folder a class, and what is made of them; finetune and pretrain share it.</summary>
static class ImageArguments
{
    public static Option<string> Augment { get; } = new("--augment") { Description = "Images: none, flip, small (padded crop and flip) or imagenet (random resized crop and flip).", DefaultValueFactory = _ => "flip" };

    public static Option<float> DropPath { get; } = new("--drop-path") { Description = "Images: stochastic depth of the last block.", DefaultValueFactory = _ => 0f };

    /// <summary>The value of an option that is the chance to drop something.</summary>
    public static float Probability(this ParseResult parsed, Option<float> option) => parsed.GetValue(option) is var value and >= 0 and < 1 ? value
        : throw new UsageException(FormattableString.Invariant($"{option.Name} is {parsed.GetValue(option)}; it must be at least 0 and below 1."));

    /// <summary>How training images are varied.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="size">The side of the model's input.</param>
    public static Augmentation AugmentationOf(ParseResult parsed, int size) => parsed.Choose<Augmentation>(Augment,
        ("none", Augmentation.None), ("flip", new Augmentation { FlipProbability = 0.5f }), ("small", Augmentation.Small(size)), ("imagenet", Augmentation.ImageNet));

    /// <summary>Training and validation images.</summary>
    public static (IImageDataset Training, IImageDataset Validation) Datasets(ParseResult parsed, TrainingArguments arguments)
    {
        ImageFolder training = new(arguments.Data(parsed));
        if (training.ClassNames.Count < 2)
            throw new DatasetException(training.Folder, $"one class folder ({training.ClassNames[0]}); a classifier needs two or more");
        if (arguments.Validation(parsed) is { } folder)
            return (new CachedDataset(training), new CachedDataset(new ImageFolder(folder, training.ClassNames)));
        (DatasetSubset kept, DatasetSubset heldOut) = DatasetSubset.Split(training, 0.1, arguments.Seed(parsed));
        if (heldOut.Count == 0)
            throw new DatasetException(training.Folder, "one image a class; none can be held out, so name validation images with --val");
        return (new CachedDataset(kept), new CachedDataset(heldOut));
    }

    /// <summary>A classifier on its images.</summary>
    public static PreparedRun Prepare(
        ParseResult parsed, TrainingArguments arguments, ImageClassifier model, (IImageDataset Training, IImageDataset Validation) images,
        Preprocessing preprocessing, Action<string, IReadOnlyDictionary<string, byte[]>> save)
    {
        BatchLoader training = new(images.Training, preprocessing, arguments.Loading<BatchLoaderOptions>(parsed, images.Training.Count) with
        {
            Augmentation = AugmentationOf(parsed, preprocessing.Size),
        });
        BatchLoader validation = new(images.Validation, preprocessing, new BatchLoaderOptions { BatchSize = Math.Max(arguments.Batch(parsed), 32) });
        return new(new ImageClassificationTask(model, training, validation), save, ClassifierFiles.Of(images.Training.ClassNames, preprocessing), ["head.*"]);
    }
}
