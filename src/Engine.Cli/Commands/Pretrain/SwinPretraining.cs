using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>A Swin transformer from scratch, on folders of images.</summary>
sealed class SwinPretraining : PretrainBranch
{
    public override ModelKind Kind => ModelKind.ImageClassifier;

    public override string Subject => "image classifier";

    public override string Family => "swin";

    public override IReadOnlyList<Option> Options =>
        [ModelSize.Size, VitPretraining.Image, VitPretraining.Patch, ModelSize.Width, ModelSize.Heads, SwinSize.Depths, SwinSize.Window, ImageArguments.DropPath, ImageArguments.Augment];

    public override string Help =>
        "  swin, a Swin transformer, whose width and heads double with every stage: images as for vit.\n" +
        "    engine pretrain --family swin --data cifar10/train --image 32 --patch 2 --width 32 --heads 1 --depths 2,2,2 --out swin-cifar\n" +
        "    engine pretrain --family swin --data photos --size swin-t --out swin-photos --drop-path 0.2";

    public override PreparedRun Prepare(ParseResult parsed, TrainingArguments arguments)
    {
        float dropPath = parsed.Probability(ImageArguments.DropPath);
        (IImageDataset training, IImageDataset validation) = ImageArguments.Datasets(parsed, arguments);
        SwinTransformer model = new(Config(parsed, training.ClassNames.Count, dropPath), arguments.Seed(parsed));
        Console.WriteLine($"Swin {string.Join('-', model.Config.Depths)} of width {model.Config.Width}, {model.ParameterCount:N0} parameters; " +
            $"{training.Count:N0} training and {validation.Count:N0} validation images of {model.Classes} classes");
        return ImageArguments.Prepare(parsed, arguments, model, (training, validation), Preprocessing.Plain(model.ImageSize),
            (target, companions) => ModelFolder.Save(model, target, companions, ModelLibrary.HuggingFace));
    }

    SwinConfig Config(ParseResult parsed, int classes, float dropPath)
    {
        try
        {
            return SwinSize.Of(parsed, Family, WindowRule.Pad, classes, dropPath).Validated();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"--image, --patch, --width, --heads, --depths or --window: {exception.Message}");
        }
    }
}
