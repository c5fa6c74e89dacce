using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine finetune: a checkpoint people have, on images people have.</summary>
static class FinetuneCommand
{
    static readonly Option<string> Model = new("--model") { Description = "A model folder: config.json and model.safetensors.", Required = true };
    static readonly Option<float> DropPath = new("--drop-path") { Description = "Stochastic depth of the last block.", DefaultValueFactory = _ => 0f };
    static readonly TrainingArguments Arguments = new("adam-spd", 1e-4, 5);

    public static Command Create()
    {
        Command command = Commands.Create("finetune", "Fine-tune a vision transformer on folders of images.",
            "The images are JPEG, PNG or BMP files in one folder a class. The best and the last weights are saved in the layout the model\n" +
            "came in, with class names and preprocessing. Ctrl-C saves and stops; the same command with --resume goes on.\n\n" +
            "  engine finetune --model vit-base --data train --out run\n" +
            "  engine finetune --model vit-base --data train --val val --out run --optimizer adamw --lr 3e-5 --weight-decay 0.05\n" +
            "  engine finetune --model vit-base --data train --out run --freeze 'blocks.0.*' 'blocks.1.*' --trace");
        command.Add(Model);
        command.Add(DropPath);
        Arguments.AddTo(command);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        TrainingOptions options = Arguments.Options(parsed);
        if (parsed.GetValue(DropPath) is not (>= 0 and < 1)) throw new UsageException(FormattableString.Invariant($"{DropPath.Name} is {parsed.GetValue(DropPath)}; it must be at least 0 and below 1."));
        string folder = parsed.GetValue(Model)!;
        (IImageDataset training, IImageDataset validation) = Arguments.Datasets(parsed);
        IReadOnlyList<string>? known = ClassifierFiles.ReadClassNames(folder);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder, new LoadOptions
        {
            Classes = training.ClassNames.Count,
            FreshHead = known is not null && !known.SequenceEqual(training.ClassNames),
            Seed = Arguments.Seed(parsed),
            DropPath = parsed.GetValue(DropPath),
        });
        VisionTransformer model = loaded.Model;
        Console.WriteLine($"{folder}: {loaded.Layout}, {model.ParameterCount:N0} parameters; {training.Count:N0} training and {validation.Count:N0} validation images of {training.ClassNames.Count} classes");
        if (loaded.Fresh.Count > 0)
            Console.WriteLine($"New head for {training.ClassNames.Count} classes ({Stored(loaded.StoredClasses)}); it starts random{(options.Optimizer == OptimizerKind.AdamSpd ? " and Adam-SPD does not anchor it" : "")}.");
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(folder, model.Config.ImageSize);
        IReadOnlyDictionary<string, byte[]> companions = ClassifierFiles.Of(training.ClassNames, preprocessing);
        return TrainingRun.Run(
            Arguments.Trainer(
                new ImageClassificationTask(model, Arguments.Loader(parsed, training, preprocessing), Arguments.ValidationLoader(parsed, validation, preprocessing)),
                options),
            Arguments,
            parsed,
            target => loaded.Save(target, companions),
            cancellation);
    }

    static string Stored(int classes) => classes == 0 ? "the checkpoint has none" : $"the checkpoint's tells {classes} others apart";
}
