using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine pretrain: a vision transformer from scratch.</summary>
static class PretrainCommand
{
    static readonly Option<int> Image = new("--image") { Description = "Side of the images in pixels.", DefaultValueFactory = _ => 32 };
    static readonly Option<int> Patch = new("--patch") { Description = "Side of a patch.", DefaultValueFactory = _ => 4 };
    static readonly Option<int> Width = new("--width") { Description = "Width of the sequence.", DefaultValueFactory = _ => 128 };
    static readonly Option<int> Depth = new("--depth") { Description = "Blocks.", DefaultValueFactory = _ => 6 };
    static readonly Option<int> Heads = new("--heads") { Description = "Attention heads.", DefaultValueFactory = _ => 4 };
    static readonly Option<float> Dropout = new("--dropout") { Description = "Dropout.", DefaultValueFactory = _ => 0f };
    static readonly Option<float> DropPath = new("--drop-path") { Description = "Stochastic depth of the last block.", DefaultValueFactory = _ => 0f };
    static readonly TrainingArguments Arguments = new("adamw", 1e-3, 20);

    public static Command Create()
    {
        Command command = Commands.Create("pretrain", "Train a vision transformer from scratch on folders of images.",
            "The images are JPEG, PNG or BMP files in one folder a class. The result is a folder that finetune takes.\n\n" +
            "  engine pretrain --data cifar10/train --val cifar10/test --out vit-cifar --augment small --weight-decay 0.05\n" +
            "  engine pretrain --data photos --image 64 --patch 8 --width 192 --depth 8 --heads 6 --out vit-photos");
        command.Add(Image);
        command.Add(Patch);
        command.Add(Width);
        command.Add(Depth);
        command.Add(Heads);
        command.Add(Dropout);
        command.Add(DropPath);
        Arguments.AddTo(command);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        TrainingOptions options = Arguments.Options(parsed);
        (IImageDataset training, IImageDataset validation) = Arguments.Datasets(parsed);
        foreach (Option<float> option in (Option<float>[])[Dropout, DropPath])
            if (parsed.GetValue(option) is not (>= 0 and < 1)) throw new UsageException(FormattableString.Invariant($"{option.Name} is {parsed.GetValue(option)}; it must be at least 0 and below 1."));
        VitConfig config = Config(parsed, training.ClassNames.Count);
        VisionTransformer model = new(config, Arguments.Seed(parsed));
        Console.WriteLine($"{config.Depth} blocks of width {config.Width}, {model.ParameterCount:N0} parameters; {training.Count:N0} training and {validation.Count:N0} validation images of {config.Classes} classes");
        Preprocessing preprocessing = Preprocessing.Plain(config.ImageSize);
        IReadOnlyDictionary<string, byte[]> companions = ClassifierFiles.Of(training.ClassNames, preprocessing);
        return TrainingRun.Run(
            Arguments.Trainer(
                new ImageClassificationTask(model, Arguments.Loader(parsed, training, preprocessing), Arguments.ValidationLoader(parsed, validation, preprocessing)),
                options),
            Arguments,
            parsed,
            target => ModelFolder.Save(model, target, companions),
            cancellation);
    }

    static VitConfig Config(ParseResult parsed, int classes)
    {
        try
        {
            return new VitConfig
            {
                ImageSize = parsed.GetValue(Image),
                PatchSize = parsed.GetValue(Patch),
                Width = parsed.GetValue(Width),
                MlpWidth = 4 * parsed.GetValue(Width),
                Depth = parsed.GetValue(Depth),
                Heads = parsed.GetValue(Heads),
                Dropout = parsed.GetValue(Dropout),
                DropPath = parsed.GetValue(DropPath),
                Classes = classes,
            }.Validated();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"--image, --patch, --width, --depth or --heads: {exception.Message}");
        }
    }
}
