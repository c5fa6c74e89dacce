using System.Text.Json;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli.Tests;

public sealed class SegmentationCommandTests
{
    static readonly string[] Tiny =
        ["--image", "32", "--patch", "4", "--width", "8", "--heads", "1", "--depths", "1,1,1,1", "--window", "4", "--head-channels", "8", "--epochs", "1", "--batch", "4"];

    [Fact, Trait("Speed", "Slow")]
    public void A_segmentation_model_is_drawn_for_trained_tuned_and_measured_from_nothing()
    {
        using Scratch scratch = new();
        string drawn = scratch["drawn"], model = Path.Combine(scratch["upernet"], "best");
        Assert.Contains("14 pictures with masks of 32x32 in 1 domain", Succeeds("draw", "--segmentation", "--out", drawn, "--count", "10", "--size", "32", "--domain", "filled").Output);
        Assert.Equal(10, new PascalFolder(drawn, "train").Count);

        Outcome trained = Succeeds(["pretrain", "--family", "upernet", "--data", drawn, "--out", scratch["upernet"], .. Tiny]);
        Assert.Contains("10 training and 2 validation pictures of 11 classes", trained.Output);
        Assert.Contains("best on the validation data, mIoU ", trained.Output);
        Assert.Equal(ModelKind.Segmenter, ModelFolder.KindOf(model));
        Assert.Equal(DrawnSegmentation.Classes, ClassifierFiles.ReadClassNames(model));

        using JsonDocument json = JsonDocument.Parse(Succeeds("evaluate", "--model", model, "--data", drawn, "--out", scratch["seen"], "--json", "--corruptions", "noise,fog", "--severities", "1,4-5").Output);
        JsonElement root = json.RootElement, suite = root.GetProperty("corruptions");
        Assert.Equal((2, 2 * 32 * 32), (root.GetProperty("pictures").GetInt32(), root.GetProperty("pixels").GetInt32()));
        Assert.Equal(root.GetProperty("mean_iou").GetDouble(), suite.GetProperty("clean").GetDouble());
        Assert.Equal(["noise", "fog"], suite.GetProperty("kinds").EnumerateArray().Select(kind => kind.GetProperty("name").GetString()));
        Assert.Equal(["1", "4", "5"], suite.GetProperty("kinds")[0].GetProperty("severities").EnumerateObject().Select(cell => cell.Name));
        LabelMask mask = IndexedPng.Load(Path.Combine(scratch["seen"], "masks", "validation_filled_00001.png"));
        Assert.Equal((32, 32), (mask.Width, mask.Height));
        Assert.All(mask.Labels, label => Assert.InRange(label, 0, 10));
        Assert.Equal(32, ImageDecoder.Decode(Path.Combine(scratch["seen"], "overlays", "validation_filled_00001.png")).Width);

        string table = Succeeds("evaluate", "--model", model, "--data", drawn, "--list", "test", "--window", "16", "--stride", "8").Output;
        Assert.StartsWith("mIoU ", table, StringComparison.Ordinal);
        Assert.All(DrawnSegmentation.Classes, name => Assert.Contains(name, table));
    }

    [Fact, Trait("Speed", "Slow")]
    public void A_model_of_other_classes_gets_a_new_classifier_and_keeps_its_layout()
    {
        using Scratch scratch = new();
        string data = Pascal(scratch, "data", 6), model = SmallModel(scratch, classes: 5), best = Path.Combine(scratch["run"], "best");
        Outcome tuned = Succeeds("finetune", "--model", model, "--data", data, "--out", scratch["run"], "--epochs", "1", "--batch", "3", "--variation", "colour");
        Assert.Contains("New classifier for 3 classes; it starts random and is not anchored.", tuned.Output);
        Assert.Equal(["sky", "sea", "land"], ClassifierFiles.ReadClassNames(best));
        LoadedModel<Segmenter> loaded = ModelFolder.Load<Segmenter>(best), before = ModelFolder.Load<Segmenter>(model);
        Assert.Equal(3, loaded.Model.Classes);
        Assert.Equal(before.Layout, loaded.Layout);
        Assert.Equal(32, Preprocessing.Load(Path.Combine(best, Preprocessing.FileName)).Size);
        Assert.Contains("mIoU", Succeeds("evaluate", "--model", best, "--data", data, "--list", "train").Output);
    }

    [Fact, Trait("Speed", "Slow")]
    public void A_swin_classifier_becomes_a_segmentation_model()
    {
        using Scratch scratch = new();
        Outcome tuned = Succeeds("finetune", "--model", SmallSwin(scratch), "--data", Pascal(scratch, "data", 6), "--out", scratch["run"], "--epochs", "1", "--batch", "3");
        Assert.Contains("New segmentation head for 3 classes", tuned.Output);
        Assert.Equal(ModelKind.Segmenter, ModelFolder.KindOf(Path.Combine(scratch["run"], "best")));
    }

    [Theory, Trait("Speed", "Slow")]
    [InlineData(false)]
    [InlineData(true)]
    public void Adapters_of_a_segmentation_model_are_trained_measured_and_merged(bool onClassifier)
    {
        using Scratch scratch = new();
        string data = Pascal(scratch, "data", 6), model = onClassifier ? SmallSwin(scratch) : SmallModel(scratch, classes: 3), best = scratch["run/best"];
        byte[] weights = File.ReadAllBytes(Path.Combine(model, "model.safetensors"));
        Outcome tuned = Succeeds("finetune", "--model", model, "--data", data, "--out", scratch["run"], "--epochs", "1", "--batch", "3", "--peft", "lora", "--rank", "2", "--lr", "0.01", "--crop", "32");
        Assert.Contains("4 layers with adapters", tuned.Output);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(model, "model.safetensors")));
        Assert.True(File.Exists(Path.Combine(best, "adapter_model.safetensors")));

        double adapted = Loss("--model", model, "--adapter", best, "--data", data);
        Succeeds("merge", "--model", model, "--adapter", best, "--out", scratch["merged"]);
        Assert.Equal(adapted, Loss("--model", scratch["merged"], "--data", data), 1e-4);
        Assert.Equal(ModelKind.Segmenter, ModelFolder.KindOf(scratch["merged"]));
        Assert.Equal(["sky", "sea", "land"], ClassifierFiles.ReadClassNames(scratch["merged"]));
        Succeeds("finetune", "--model", model, "--adapter", best, "--data", data, "--out", scratch["more"], "--epochs", "1", "--batch", "3", "--crop", "32");
        Assert.True(File.Exists(scratch["more/last/adapter_model.safetensors"]));
    }

    static double Loss(params string[] arguments)
    {
        using JsonDocument json = JsonDocument.Parse(Succeeds(["evaluate", .. arguments, "--list", "train", "--json"]).Output);
        return json.RootElement.GetProperty("loss").GetDouble();
    }

    [Fact]
    public void Adapters_of_a_segmentation_model_on_another_kind_of_model_are_refused_in_a_line()
    {
        using Scratch scratch = new();
        string data = Pascal(scratch, "data", 2), images = scratch.Images("images"), vit = scratch.Model(), swin = SmallSwin(scratch), model = SmallModel(scratch, classes: 3);
        string adapter = scratch["segmenter-lora"], other = scratch["classifier-lora"];
        Adapter(model, adapter, withHead: true);
        Adapter(swin, other, withHead: false);
        string[] before = scratch.Contents();
        foreach (string wrong in (string[])[vit, swin])
        {
            string expected = $"{adapter}: holds adapters of a segmentation model, {wrong} is an image classifier; name the model they were trained on, {model}";
            Refused(1, expected, "evaluate", "--model", wrong, "--adapter", adapter, "--data", data);
            Refused(1, expected, "evaluate", "--model", wrong, "--adapter", adapter, "--data", images);
            Refused(1, expected, "merge", "--model", wrong, "--adapter", adapter, "--out", scratch["merged"]);
        }

        Refused(1, $"{other}: holds adapters of an image classifier, {model} is a segmentation model; name the model they were trained on, {swin}",
            "evaluate", "--model", model, "--adapter", other, "--data", data);
        Assert.Equal(before, scratch.Contents());

        // Where the model that they were trained on is no longer there, a Swin may be it: unless it lacks what they do not bring.
        Directory.Delete(adapter, recursive: true);
        Adapter(model, adapter, withHead: false);
        Directory.Move(model, scratch["moved"]);
        Refused(1, "vision transformer, which sees an image at one scale", "merge", "--model", vit, "--adapter", adapter, "--out", scratch["merged"]);
        Refused(1, $"{adapter}: brings no norms.0.weight, and {swin} has none", "evaluate", "--model", swin, "--adapter", adapter, "--data", data, "--list", "train");
    }

    /// <summary>An untrained adapter as finetune saves it.</summary>
    static void Adapter(string model, string target, bool withHead)
    {
        LoadedModel<Module> loaded = ModelFolder.Load<Module>(model);
        AdapterSet adapters = Peft.Attach(loaded, new LoraOptions { Rank = 2, Targets = ["qkv"], AlsoTrain = withHead ? ["norms.*", "head.*", "auxiliary.*"] : [] });
        adapters.Save(target, model, ClassifierFiles.Of(["sky", "sea", "land"], Preprocessing.Plain(32)));
    }

    [Fact]
    public void A_classifier_is_measured_under_corruptions()
    {
        using Scratch scratch = new();
        string model = scratch.Model(), data = scratch.Images();
        string table = Succeeds("evaluate", "--model", model, "--data", data, "--corruptions").Output;
        foreach (string word in (string[])["accuracy under corruptions", "noise", "defocus", "fog", "brightness", "severity 5", "of clean"]) Assert.Contains(word, table);
        using JsonDocument json = JsonDocument.Parse(Succeeds("evaluate", "--model", model, "--data", data, "--corruptions", "brightness", "--severities", "2", "--json").Output);
        Assert.Equal(json.RootElement.GetProperty("accuracy").GetDouble(), json.RootElement.GetProperty("corruptions").GetProperty("clean").GetDouble());
    }

    // Of a clean measurement and eight under corruptions; elsewhere than on a terminal, some lines seconds apart.
    [Theory]
    [InlineData(false, "accuracy")]
    [InlineData(true, "pixel accuracy")]
    public void Progress_under_corruptions_is_that_of_all_measurements_together(bool segments, string measured)
    {
        using Scratch scratch = new();
        string model = segments ? SmallModel(scratch, classes: 3) : scratch.Model(), data = segments ? Pascal(scratch, "data", 4) : scratch.Images();
        int steps = segments ? 4 : 1;           // pictures, batches
        Outcome evaluated = Succeeds(["evaluate", "--model", model, "--data", data, "--corruptions", "--severities", "1,3", .. segments ? (string[])["--list", "train"] : []]);
        Assert.All(evaluated.ErrorLines, line => Assert.Contains($"/{9 * steps}  ", line));
        Assert.StartsWith($"evaluating: step {9 * steps}/{9 * steps}  ", Assert.Single(evaluated.ErrorLines, line => line.Contains(" took ", StringComparison.Ordinal)));
        Assert.Contains($"  {measured} ", evaluated.ErrorLines[^1]);
    }

    [Fact]
    public void Domains_are_drawn_as_folders_of_classes()
    {
        using Scratch scratch = new();
        Succeeds("draw", "--domains", "--out", scratch["domains"], "--count", "10", "--size", "8", "--domain", "photo", "sketch");
        Assert.Equal(["photo", "sketch"], Directory.GetDirectories(scratch["domains"]).Select(Path.GetFileName).Order());
        Assert.Equal(10, new ImageFolder(Path.Combine(scratch["domains"], "photo", "train"), DrawnDomains.Shapes).Count);
        Assert.Equal([scratch["domains"]], Directory.GetFileSystemEntries(scratch.Path));
    }

    [Fact]
    public void Faults_of_drawing_end_in_one_line_and_leave_nothing()
    {
        using Scratch scratch = new();
        Directory.CreateDirectory(scratch["there"]);
        Refused(2, "Choose one of --segmentation, --domains and --renderings", "draw", "--out", scratch["new"]);
        Refused(2, "there is there already", "draw", "--domains", "--out", scratch["there"]);
        Refused(2, "--domain is 'oil'; choose some of filled, sketch", "draw", "--domains", "--out", scratch["new"], "--domain", "oil");
        Refused(2, "--size is 15; it must be from 16", "draw", "--segmentation", "--out", scratch["new"], "--size", "15");
        Refused(2, "--count is 0", "draw", "--segmentation", "--out", scratch["new"], "--count", "0");
        Assert.Equal([scratch["there"]], scratch.Contents());
    }

    [Fact]
    public void Faults_of_corruptions_are_named()
    {
        using Scratch scratch = new();
        string model = scratch.Model(), data = scratch.Images();
        Refused(2, "--corruptions is 'snow'; choose all or some of noise, defocus, fog, brightness", "evaluate", "--model", model, "--data", data, "--corruptions", "snow");
        foreach (string severities in (string[])["0", "6", "3-1", "1-2-3", "x"])
            Refused(2, $"--severities is '{severities}'; expected numbers from 1 to 5", "evaluate", "--model", model, "--data", data, "--corruptions", "fog", "--severities", severities);
        Refused(2, "--severities does nothing without --corruptions", "evaluate", "--model", model, "--data", data, "--severities", "1");
        Refused(2, "--window is for segmentation models", "evaluate", "--model", model, "--data", data, "--window", "16");
    }

    [Fact]
    public void Faults_of_masks_are_named_and_nothing_is_left()
    {
        using Scratch scratch = new();
        string data = Pascal(scratch, "data", 6), model = SmallModel(scratch, classes: 3), mask = Path.Combine(data, "SegmentationClass", "p3.png");
        Refused(2, "--stride is 17; it must be from 1 to the window's 16", "evaluate", "--model", model, "--data", data, "--window", "16", "--stride", "17");
        Refused(1, "val.txt: no such list", "evaluate", "--model", model, "--data", data);
        Refused(1, "no folder JPEGImages", "evaluate", "--model", model, "--data", scratch.Images("classes"), "--list", "train");
        Refused(1, "the model tells 3 classes apart", "evaluate", "--model", model, "--data", Pascal(scratch, "other", 2, "a\nb\n"), "--list", "train");
        string[] before = scratch.Contents();
        IndexedPng.Save(new LabelMask(9, 32), mask);
        Refused(1, "the mask is 9x32, its picture", "finetune", "--model", model, "--data", data, "--out", scratch["run"], "--epochs", "1");
        IndexedPng.Save(new LabelMask(32, 32, 3), mask);
        Refused(1, "label 3 at column 0, row 0, but there are 3 classes", "finetune", "--model", model, "--data", data, "--out", scratch["run"], "--epochs", "1");
        File.Delete(mask);
        Refused(1, "'p3' has no mask", "finetune", "--model", model, "--data", data, "--out", scratch["run"], "--epochs", "1");
        Assert.Equal(before.Where(path => path != mask), scratch.Contents());
    }

    static string SmallSwin(Scratch scratch)
    {
        // Maps of 32, 16, 8 and 4 patches: whole windows everywhere, which all libraries cut alike.
        SwinConfig swin = new() { ImageSize = 64, PatchSize = 2, Width = 8, Depths = [1, 1, 1, 1], Heads = [1, 2, 4, 8], WindowSize = 2, Classes = 3 };
        ModelFolder.Save(new SwinTransformer(swin, 1), scratch["swin"]);
        return scratch["swin"];
    }

    static string SmallModel(Scratch scratch, int classes)
    {
        UperNetConfig config = new()
        {
            Backbone = new() { ImageSize = 32, PatchSize = 4, Width = 8, Depths = [1, 1, 1, 1], Heads = [1, 2, 4, 8], WindowSize = 4, WindowRule = WindowRule.PadAndShift, Classes = 0 },
            Classes = classes,
            Channels = 8,
            AuxiliaryChannels = 8,
        };
        ModelFolder.Save(new UperNet(config, 1), scratch["model"]);
        return scratch["model"];
    }

    /// <summary>Pictures p0, p1, ... with labels 0 and 1, and a list of them for training.</summary>
    static string Pascal(Scratch scratch, string name, int count, string classes = "sky\nsea\nland\n")
    {
        string folder = scratch[name];
        Directory.CreateDirectory(Path.Combine(folder, "JPEGImages"));
        Directory.CreateDirectory(Path.Combine(folder, "SegmentationClass"));
        for (int i = 0; i < count; i++)
        {
            (RgbImage image, LabelMask mask) = DrawnSegmentation.Draw(1, DrawnSplit.Train, DrawnDomain.Filled, i, 32);
            for (int p = 0; p < mask.Labels.Length; p++) mask.Labels[p] = Math.Min(mask.Labels[p], (byte)1);
            PngWriter.Save(image, Path.Combine(folder, "JPEGImages", $"p{i}.png"));
            IndexedPng.Save(mask, Path.Combine(folder, "SegmentationClass", $"p{i}.png"));
        }

        scratch.Write(Path.Combine(name, "ImageSets", "Segmentation", "train.txt"), System.Text.Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, count).Select(i => $"p{i}"))));
        scratch.Write(Path.Combine(name, "classes.txt"), System.Text.Encoding.UTF8.GetBytes(classes));
        return folder;
    }

    static Outcome Succeeds(params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        Assert.True(outcome.Code == 0, $"exit code {outcome.Code}: {outcome.Errors}");
        return outcome;
    }

    static void Refused(int code, string expected, params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        Assert.Equal(code, outcome.Code);
        string line = outcome.ErrorLines[^1];
        Assert.StartsWith("error: ", line, StringComparison.Ordinal);
        Assert.Contains(expected, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Errors, StringComparison.Ordinal);
    }
}
