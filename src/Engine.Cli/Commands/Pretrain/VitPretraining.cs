using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>A vision transformer from scratch, on folders of images.</summary>
sealed class VitPretraining : PretrainBranch
{
    public static Option<int> Image { get; } = new("--image") { Description = "Images: their side in pixels.", DefaultValueFactory = _ => 32 };

    public static Option<int> Patch { get; } = new("--patch") { Description = "Images: side of a patch.", DefaultValueFactory = _ => 4 };

    static readonly Option<float> Dropout = new("--dropout") { Description = "Images: dropout.", DefaultValueFactory = _ => 0f };

    public override ModelKind Kind => ModelKind.ImageClassifier;

    public override string Subject => "image classifier";

    public override string Family => "vit";

    public override IReadOnlyList<Option> Options =>
        [ModelSize.Size, Image, Patch, ModelSize.Width, ModelSize.Depth, ModelSize.Heads, Dropout, ImageArguments.DropPath, ImageArguments.Augment];

    public override string Help =>
        "  vit, a vision transformer: JPEG, PNG or BMP files in one folder a class.\n" +
        "    engine pretrain --data cifar10/train --val cifar10/test --out vit-cifar --augment small --weight-decay 0.05\n" +
        "    engine pretrain --data photos --image 64 --patch 8 --width 192 --depth 8 --heads 6 --out vit-photos\n" +
        "    engine pretrain --data photos --size vit-s16 --out vit-photos --drop-path 0.1 --device cuda --precision bf16";

    public override PreparedRun Prepare(ParseResult parsed, TrainingArguments arguments)
    {
        (float dropout, float dropPath) = (parsed.Probability(Dropout), parsed.Probability(ImageArguments.DropPath));
        (IImageDataset training, IImageDataset validation) = ImageArguments.Datasets(parsed, arguments);
        VitConfig config = Config(parsed, training.ClassNames.Count) with { Dropout = dropout, DropPath = dropPath };
        VisionTransformer model = new(config, arguments.Seed(parsed));
        Console.WriteLine($"{config.Depth} blocks of width {config.Width}, {model.ParameterCount:N0} parameters; {training.Count:N0} training and {validation.Count:N0} validation images of {config.Classes} classes");
        return ImageArguments.Prepare(parsed, arguments, model, (training, validation), Preprocessing.Plain(config.ImageSize),
            (target, companions) => ModelFolder.Save(model, target, companions));
    }

    VitConfig Config(ParseResult parsed, int classes)
    {
        VitConfig? named = ModelSize.Named(parsed, Family, VitConfig.SizeNames, VitConfig.Named);
        int width = parsed.Or(ModelSize.Width, named?.Width);
        try
        {
            return ((named ?? new()) with
            {
                ImageSize = parsed.Or(Image, named?.ImageSize),
                PatchSize = parsed.Or(Patch, named?.PatchSize),
                Width = width,
                MlpWidth = 4 * width,
                Depth = parsed.Or(ModelSize.Depth, named?.Depth),
                Heads = parsed.Or(ModelSize.Heads, named?.Heads),
                Classes = classes,
            }).Validated();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"--image, --patch, --width, --depth or --heads: {exception.Message}");
        }
    }
}
