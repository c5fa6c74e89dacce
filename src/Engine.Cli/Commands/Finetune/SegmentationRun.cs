using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Fine-tuning of a segmentation model, or of a classifier that becomes one, on pictures with masks.</summary>
sealed class SegmentationRun : FinetuneBranch
{
    public override ModelKind Kind => ModelKind.Segmenter;

    public override string Subject => "segmentation model";

    public override IReadOnlyList<Option> Options => [.. PictureArguments.Options, ImageArguments.DropPath];

    public override string Help =>
        "  Segmentation models (UPerNet on Swin, Hugging Face), or a Swin classifier to make one of: pictures and masks in the form of\n" +
        "  PASCAL VOC: JPEGImages, SegmentationClass (palette PNGs), ImageSets/Segmentation/train.txt and val.txt, classes.txt.\n" +
        "    engine finetune --model upernet-swin-tiny --data VOC2012 --out run --batch 4 --lr 6e-5\n" +
        "    engine finetune --model swin-tiny --data VOC2012 --out run --crop 256 --variation colour";

    // Pictures with masks make a segmentation model of a classifier.
    public override bool Takes(ModelKind kind, string data) => kind == ModelKind.Segmenter || kind == ModelKind.ImageClassifier && PascalFolder.IsOne(data);

    public override PreparedRun Prepare(ParseResult parsed, string folder, TrainingArguments arguments, TrainingOptions options)
    {
        bool grows = ModelFolder.KindOf(folder) == ModelKind.ImageClassifier;
        LoadOptions asked = new() { Seed = arguments.Seed(parsed), DropPath = parsed.Probability(ImageArguments.DropPath), Segmentation = grows };
        int? crop = PictureArguments.CropSize(parsed);
        (ISegmentationDataset training, ISegmentationDataset validation) = PictureArguments.Datasets(parsed, arguments);
        IReadOnlyList<string>? known = grows ? null : ClassifierFiles.ReadClassNames(folder);
        LoadedModel<Segmenter> loaded = ModelFolder.Load<Segmenter>(folder, asked with
        {
            Classes = training.ClassNames.Count,
            FreshHead = known is not null && !known.SequenceEqual(training.ClassNames),
        });
        Segmenter model = loaded.Model;
        Console.WriteLine($"{folder}: {loaded.Layout}, {model.ParameterCount:N0} parameters; {training.Count:N0} training and {validation.Count:N0} validation pictures of {training.ClassNames.Count} classes");
        if (loaded.Fresh.Count > 0)
            Console.WriteLine($"New {(grows ? "segmentation head" : "classifier")} for {training.ClassNames.Count} classes; it starts random{(options.Optimizer.UsesAnchors() ? " and is not anchored" : "")}.");
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(folder, crop ?? model.ImageSize);
        return PictureArguments.Prepare(parsed, arguments, model, (training, validation), preprocessing, loaded.Save);
    }
}
