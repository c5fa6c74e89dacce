using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>UPerNet on a Swin backbone from scratch, on pictures with masks.</summary>
sealed class UperNetPretraining : PretrainBranch
{
    static readonly Option<int> HeadChannels = new("--head-channels") { Description = "Segmentation: channels of the maps in the head; with --size 512, and 256 in the auxiliary head, as published.", DefaultValueFactory = _ => 64 };

    public override ModelKind Kind => ModelKind.Segmenter;

    public override string Subject => "segmentation model";

    public override string Family => "upernet";

    public override IReadOnlyList<Option> Options =>
        [ModelSize.Size, VitPretraining.Image, VitPretraining.Patch, ModelSize.Width, ModelSize.Heads, SwinSize.Depths, SwinSize.Window, HeadChannels, ImageArguments.DropPath, PictureArguments.Variation];

    public override string Help =>
        "  upernet, a segmentation model on Swin, whose width and heads double with every stage: pictures in the form of PASCAL VOC.\n" +
        "    engine draw --segmentation --out drawn\n" +
        "    engine pretrain --family upernet --data drawn --image 64 --patch 2 --width 32 --heads 1 --out drawn-upernet\n" +
        "    engine pretrain --family upernet --data VOC2012 --size swin-t --image 512 --batch 4 --out upernet-voc";

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

    UperNetConfig Config(ParseResult parsed, int classes, float dropPath)
    {
        UperNetConfig net = new() { Backbone = SwinSize.Of(parsed, Family, WindowRule.PadAndShift, classes: 0, dropPath), Classes = classes };
        int channels = parsed.GetValue(HeadChannels);
        if (!parsed.IsGiven(ModelSize.Size) || parsed.IsGiven(HeadChannels)) net = net with { Channels = channels, AuxiliaryChannels = channels };
        try
        {
            return net.Validated();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"--image, --patch, --width, --heads, --depths, --window or --head-channels: {exception.Message}");
        }
    }
}
