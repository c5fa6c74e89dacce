using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>UPerNet on a Swin backbone from scratch, on pictures with masks.</summary>
sealed class UperNetPretraining : PretrainBranch
{
    static readonly Option<int> HeadChannels = new("--head-channels") { Description = "Segmentation: channels of the maps in the head.", DefaultValueFactory = _ => 64 };

    public override ModelKind Kind => ModelKind.Segmenter;

    public override string Subject => "segmentation model";

    public override string Family => "upernet";

    public override IReadOnlyList<Option> Options =>
        [VitPretraining.Image, VitPretraining.Patch, ModelSize.Width, ModelSize.Heads, SwinSize.Depths, SwinSize.Window, HeadChannels, ImageArguments.DropPath, PictureArguments.Variation];

    public override string Help =>
        "  upernet, a segmentation model on Swin, whose width and heads double with every stage: pictures in the form of PASCAL VOC.\n" +
        "    engine draw --segmentation --out drawn\n" +
        "    engine pretrain --family upernet --data drawn --image 64 --patch 2 --width 32 --heads 1 --out drawn-upernet";

    public override PreparedRun Prepare(ParseResult parsed, TrainingArguments arguments)
    {
        float dropPath = parsed.Probability(ImageArguments.DropPath);
        (ISegmentationDataset training, ISegmentationDataset validation) = PictureArguments.Datasets(parsed, arguments);
        UperNetConfig config = Config(parsed, training.ClassNames.Count, dropPath);
        UperNet model = new(config, arguments.Seed(parsed));
        Console.WriteLine($"Swin {string.Join('-', config.Backbone.Depths)} of width {config.Backbone.Width} with UPerNet, {model.ParameterCount:N0} parameters; " +
            $"{training.Count:N0} training and {validation.Count:N0} validation pictures of {config.Classes} classes");
        return PictureArguments.Prepare(parsed, arguments, model, (training, validation), Preprocessing.Plain(model.ImageSize),
            (target, companions) => ModelFolder.Save(model, target, companions));
    }

    static UperNetConfig Config(ParseResult parsed, int classes, float dropPath)
    {
        int channels = parsed.GetValue(HeadChannels);
        try
        {
            return new UperNetConfig
            {
                Backbone = SwinSize.Of(parsed, WindowRule.PadAndShift, classes: 0, dropPath),
                Classes = classes,
                Channels = channels,
                AuxiliaryChannels = channels,
            }.Validated();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"--image, --patch, --width, --heads, --depths, --window or --head-channels: {exception.Message}");
        }
    }
}
