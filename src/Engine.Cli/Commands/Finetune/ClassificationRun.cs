using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Fine-tuning of an image classifier on folders of images.</summary>
sealed class ClassificationRun : FinetuneBranch
{
    static readonly Option<int?> ImageSize = new("--image-size") { Description = "Images: their side in pixels, where it is to be another than the model's; a position embedding is resampled." };

    public override ModelKind Kind => ModelKind.ImageClassifier;

    public override string Subject => "image classifier";

    public override IReadOnlyList<Option> Options => [ImageArguments.Augment, ImageSize, ImageArguments.DropPath];

    public override string Help =>
        "  Image classifiers (ViT, CLIP, Swin; timm, torchvision, Hugging Face): JPEG, PNG or BMP files in one folder a class.\n" +
        "    engine finetune --model vit-base --data train --out run\n" +
        "    engine finetune --model vit-base --data train --val val --out run --optimizer adamw --lr 3e-5 --weight-decay 0.05\n" +
        "    engine finetune --model vit-base --data train --out run --device cuda --precision bf16\n" +
        "    engine finetune --model clip-base --data train --out probe --trainable head --lr 1e-3 --image-size 336";

    public override PreparedRun Prepare(ParseResult parsed, string folder, TrainingArguments arguments, TrainingOptions options)
    {
        LoadOptions asked = new() { Seed = arguments.Seed(parsed), DropPath = parsed.Probability(ImageArguments.DropPath), ImageSize = parsed.GetValue(ImageSize) };
        if (asked.ImageSize < 1) throw new UsageException($"{ImageSize.Name} is {asked.ImageSize}; it must be 1 or more.");
        (IImageDataset training, IImageDataset validation) = ImageArguments.Datasets(parsed, arguments);
        IReadOnlyList<string>? known = ClassifierFiles.ReadClassNames(folder);
        LoadedModel<ImageClassifier> loaded = Load(folder, asked with
        {
            Classes = training.ClassNames.Count,
            FreshHead = known is not null && !known.SequenceEqual(training.ClassNames),
        });
        ImageClassifier model = loaded.Model;
        Console.WriteLine($"{folder}: {loaded.Layout}, {model.ParameterCount:N0} parameters; {training.Count:N0} training and {validation.Count:N0} validation images of {training.ClassNames.Count} classes");
        if (loaded.Fresh.Count > 0)
            Console.WriteLine($"New head for {training.ClassNames.Count} classes ({Stored(loaded.StoredClasses)}); it starts random{(options.Optimizer.UsesAnchors() ? " and is not anchored" : "")}.");
        return ImageArguments.Prepare(parsed, arguments, model, (training, validation), ClassifierFiles.PreprocessingOf(folder, model.ImageSize), loaded.Save);
    }

    static LoadedModel<ImageClassifier> Load(string folder, LoadOptions options)
    {
        try
        {
            return ModelFolder.Load<ImageClassifier>(folder, options);
        }
        catch (ArgumentException exception) when (options.ImageSize is not null)
        {
            throw new UsageException($"{ImageSize.Name} {options.ImageSize}: {exception.Message}");
        }
    }

    static string Stored(int classes) => classes == 0 ? "the checkpoint has none" : $"the checkpoint's tells {classes} others apart";
}
