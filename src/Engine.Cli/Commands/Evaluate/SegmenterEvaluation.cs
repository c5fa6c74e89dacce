using System.CommandLine;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli;

/// <summary>Intersection over union of a segmentation model, per class; its predictions as pictures.</summary>
sealed class SegmenterEvaluation : EvaluateBranch
{
    static readonly Option<string> List = new("--list") { Description = "Segmentation: the list of pictures in ImageSets/Segmentation, without .txt.", DefaultValueFactory = _ => "val" };
    static readonly Option<int?> Window = new("--window") { Description = "Segmentation: side of windows that slide over the picture; without it the model sees it whole." };
    static readonly Option<int?> Stride = new("--stride") { Description = "Segmentation: from one window to the next; two thirds of a window without it." };
    static readonly Option<string?> Pictures = new("--out") { Description = "Segmentation: a folder for the predictions: masks as palette PNGs, and overlays." };

    public override ModelKind Kind => ModelKind.Segmenter;

    public override string Subject => "segmentation model";

    public override IReadOnlyList<Option> Options => [List, Window, Stride, Pictures, PictureArguments.Crop, .. CorruptionArguments.Options];

    public override string Help =>
        "  Segmentation models: mean and per-class intersection over union, pixel accuracy, on a folder in the form of PASCAL VOC.\n" +
        "    engine evaluate --model run/best --data VOC2012 --out predictions\n" +
        "    engine evaluate --model run/best --data VOC2012 --window 512 --stride 341\n" +
        CorruptionArguments.Help;

    public override void Run(ParseResult parsed, EvaluationArguments arguments, CancellationToken cancellation)
    {
        var corruptions = CorruptionArguments.Read(parsed);
        SegmentationEvaluation options = ReadOptions(parsed, arguments);
        int? crop = PictureArguments.CropSize(parsed);
        IReadOnlyList<string>? names = ClassifierFiles.ReadClassNames(arguments.Companions);
        PascalFolder data = new(arguments.Data, parsed.GetValue(List)!, names);
        Segmenter model = arguments.Load<Segmenter>().Model;
        arguments.CheckClasses(model.Classes, data.ClassNames, names is null ? data.Folder : null);
        // The model's own description says a size where it was trained here; a crop asked for comes first.
        Preprocessing preprocessing = ClassifierFiles.PreprocessingOf(arguments.Companions, crop ?? Preprocessing.Find(arguments.Companions)?.Size ?? model.ImageSize);
        SegmentationEvaluator evaluator = new(model, preprocessing, options);

        using OutputFolder? output = parsed.GetValue(Pictures) is { } path ? new(path) : null;
        Action<int, SegmentationSample, LabelMask>? save = output is null ? null
            : (index, sample, prediction) => SegmentationPictures.Save(output.Path, data.Name(index), sample.Image, prediction);
        (SegmentationResult result, CorruptionResult? suite) = CorruptionArguments.Measure(corruptions, (found, progress) => found is not { } corrupted
            ? evaluator.Run(data, cancellation, progress, save)
            : evaluator.Run(new CorruptedSegmentation(data, corrupted.Corruption, corrupted.Severity, evaluator.Side, preprocessing.Interpolation), cancellation, progress), cancellation);
        if (arguments.Json) PrintJson(result, suite);
        else
        {
            PrintTables(result);
            if (suite is not null) CorruptionArguments.Print(suite);
            if (output is not null) Console.WriteLine($"{output[SegmentationPictures.Masks]}, {output[SegmentationPictures.Overlays]}: {result.Pictures:N0} predictions");
        }
    }

    static SegmentationEvaluation ReadOptions(ParseResult parsed, EvaluationArguments arguments)
    {
        (int? window, int? stride) = (parsed.GetValue(Window), parsed.GetValue(Stride));
        if (window < 8) throw new UsageException($"{Window.Name} is {window}; it must be 8 or more.");
        if (stride is not null && window is null) throw new UsageException($"{Stride.Name} does nothing without {Window.Name}.");
        if (stride is not null && !(stride >= 1 && stride <= window)) throw new UsageException($"{Stride.Name} is {stride}; it must be from 1 to the window's {window}.");
        return new SegmentationEvaluation { Window = window, Stride = stride, BatchSize = arguments.Batch };
    }

    static void PrintTables(SegmentationResult result)
    {
        Console.WriteLine($"mIoU {Tables.Percent(result.MeanIoU)} %, pixel accuracy {Tables.Percent(result.PixelAccuracy)} % ({result.Pictures:N0} pictures, {result.Pixels:N0} pixels), loss {Tables.Number(result.Loss, 4)}");
        Tables.Print(["class", "pixels", "IoU, %", "accuracy, %"], result.ClassNames.Select((name, c) =>
            (IReadOnlyList<string>)[name, $"{result.CountOf(c):N0}", Tables.Percent(result.IoU(c)), Tables.Percent(result.AccuracyOf(c))]));
    }

    static void PrintJson(SegmentationResult result, CorruptionResult? suite) => EvaluationJson.Print(json =>
    {
        json.WriteFinite("mean_iou", result.MeanIoU);
        json.WriteFinite("pixel_accuracy", result.PixelAccuracy);
        json.WriteNumber("pictures", result.Pictures);
        json.WriteNumber("pixels", result.Pixels);
        json.WriteFinite("loss", result.Loss);
        json.WriteNumber("seconds", result.Elapsed.TotalSeconds);
        json.WriteClasses(result.ClassNames, label =>
        {
            json.WriteNumber("pixels", result.CountOf(label));
            json.WriteFinite("iou", result.IoU(label));
            json.WriteFinite("accuracy", result.AccuracyOf(label));
        }, result.Confusion);
        if (suite is not null) CorruptionArguments.Write(json, suite);
    });
}
