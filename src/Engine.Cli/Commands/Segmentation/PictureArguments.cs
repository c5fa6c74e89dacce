using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>The options of pictures with masks, and what is made of them; finetune and pretrain share it.</summary>
static class PictureArguments
{
    const string TrainingList = "train", ValidationList = "val";

    public static Option<string> Variation { get; } = new("--variation")
    {
        Description = "Segmentation: what is left to chance: none, flip, scale (half to twice the size, a random crop, flip) or colour (scale, and jittered colours).",
        DefaultValueFactory = _ => "scale",
    };

    public static Option<int?> Crop { get; } = new("--crop") { Description = "Segmentation: side of the crops trained on, and the shorter side of the pictures measured on; otherwise the model's." };

    public static IReadOnlyList<Option> Options => [Variation, Crop];

    /// <summary>The crop asked for, or null.</summary>
    /// <exception cref="UsageException">It makes no sense.</exception>
    public static int? CropSize(ParseResult parsed) =>
        parsed.GetValue(Crop) is < 8 and var size ? throw new UsageException($"{Crop.Name} is {size}; it must be 8 or more.") : parsed.GetValue(Crop);

    /// <summary>Training and validation pictures: the lists <c>train</c> and <c>val</c> of one folder, or two folders.</summary>
    public static (ISegmentationDataset Training, ISegmentationDataset Validation) Datasets(ParseResult parsed, TrainingArguments arguments)
    {
        PascalFolder training = new(arguments.Data(parsed), TrainingList);
        string folder = arguments.Validation(parsed) ?? training.Folder;
        if (File.Exists(PascalFolder.ListPath(folder, ValidationList))) return (training, new PascalFolder(folder, ValidationList, training.ClassNames));
        if (arguments.Validation(parsed) is not null)
            throw new DatasetException(PascalFolder.ListPath(folder, ValidationList), "no such list; it names the pictures to measure on, one a line, without extension");
        var (kept, heldOut) = SegmentationSubset.Split(training, 0.1, arguments.Seed(parsed));
        return heldOut.Count > 0 ? (kept, heldOut)
            : throw new DatasetException(training.Folder, $"one picture; none can be held out, so add a list {ValidationList}.txt");
    }

    /// <summary>A segmenter on its pictures.</summary>
    public static PreparedRun Prepare(
        ParseResult parsed, TrainingArguments arguments, Segmenter model, (ISegmentationDataset Training, ISegmentationDataset Validation) pictures,
        Preprocessing preprocessing, Action<string, IReadOnlyDictionary<string, byte[]>> save)
    {
        SegmentationLoader training = new(pictures.Training, preprocessing, arguments.Loading<SegmentationLoaderOptions>(parsed, pictures.Training.Count) with
        {
            Augmentation = parsed.Choose(Variation,
                ("none", SegmentationAugmentation.None), ("flip", SegmentationAugmentation.None with { FlipProbability = 0.5f }),
                ("scale", new SegmentationAugmentation()), ("colour", SegmentationAugmentation.Usual)),
        });
        SegmentationTask task = new(model, training, pictures.Validation, new SegmentationEvaluation { BatchSize = arguments.Batch(parsed) });
        string[] heads = [.. ((string[])["norms.*", "head.*", "auxiliary.*"]).Where(pattern => model.Parameters.Any(parameter => parameter.Name.StartsWith(pattern[..^1], StringComparison.Ordinal)))];
        return new(task, save, ClassifierFiles.Of(pictures.Training.ClassNames, preprocessing), heads);
    }
}
