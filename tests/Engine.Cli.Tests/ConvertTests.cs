using System.Text.Json;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli.Tests;

public sealed class ConvertTests
{
    static Outcome Succeeds(params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        Assert.True(outcome.Code == 0, $"exit code {outcome.Code}: {outcome.Errors}");
        Assert.All(outcome.Output.Split('\n'), line => Assert.Equal(line.TrimEnd(), line));
        return outcome;
    }

    static void Refuses(Scratch scratch, int code, string[] says, params string[] arguments)
    {
        string[] before = scratch.Contents();
        Outcome outcome = EngineProcess.Run(arguments);
        string line = Assert.Single(outcome.ErrorLines);
        Assert.True(code == outcome.Code, $"exit code {outcome.Code}: {line}");
        Assert.StartsWith("error: ", line);
        Assert.DoesNotContain("Unexpected", line);
        foreach (string part in says) Assert.Contains(part, line);
        Assert.Equal(before, scratch.Contents());
    }

    static Preprocessing Clip { get; } = new(16, new(0.48f, 0.45f, 0.4f), new(0.26f, 0.25f, 0.27f), CropFraction: 0.875);

    // With class names and preprocessing, as fine-tuning leaves it.
    static string Tuned(Scratch scratch)
    {
        ModelFolder.Save(new VisionTransformer(Scratch.Config, 1), scratch["tuned"], ClassifierFiles.Of(["cat", "dog", "fox"], Clip));
        return scratch["tuned"];
    }

    [Fact]
    public void A_tuned_model_goes_to_hugging_face_with_its_class_names_and_preprocessing_and_evaluates_the_same()
    {
        using Scratch scratch = new();
        string model = Tuned(scratch), data = scratch.Images();
        foreach ((string shape, string name) in DrawnDomains.Shapes.Take(3).Zip((string[])["cat", "dog", "fox"])) Directory.Move(Path.Combine(data, shape), Path.Combine(data, name));
        Outcome converted = Succeeds("convert", "--model", model, "--to", "hf", "--out", scratch["hf"]);
        Assert.Equal($"{scratch["hf"]}: Hugging Face ViT (was timm ViT)\n", converted.Output);
        Assert.Equal(
            ["class_names.json", "config.json", "model.safetensors", "preprocessing.json", "preprocessor_config.json"],
            Directory.GetFiles(scratch["hf"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["cat", "dog", "fox"], ClassifierFiles.ReadClassNames(scratch["hf"]));
        Assert.Equal(Clip, Preprocessing.Find(scratch["hf"]));
        Preprocessing theirs = Preprocessing.Load(Path.Combine(scratch["hf"], "preprocessor_config.json"));
        Assert.Equal((Clip.Mean, Clip.Std, Clip.ResizeSize, Clip.CropMode, Clip.Interpolation), (theirs.Mean, theirs.Std, theirs.ResizeSize, theirs.CropMode, theirs.Interpolation));
        Assert.Contains("\"1\": \"dog\"", File.ReadAllText(Path.Combine(scratch["hf"], "config.json")));
        Assert.Equal(Loss(model, data), Loss(scratch["hf"], data));

        Succeeds("convert", "--model", scratch["hf"], "--to", "timm", "--out", scratch["timm"]);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch["timm"], "config.json")));
        Assert.Equal(0.48f, config.RootElement.GetProperty("pretrained_cfg").GetProperty("mean")[0].GetSingle());
        Assert.Equal(File.ReadAllBytes(Path.Combine(model, "model.safetensors")), File.ReadAllBytes(Path.Combine(scratch["timm"], "model.safetensors")));
        Assert.Equal(Loss(model, data), Loss(scratch["timm"], data));
    }

    static double Loss(string model, string data)
    {
        using JsonDocument json = JsonDocument.Parse(Succeeds("evaluate", "--model", model, "--data", data, "--json").Output);
        return json.RootElement.GetProperty("loss").GetDouble();
    }

    [Fact]
    public void A_type_alone_halves_the_file()
    {
        using Scratch scratch = new();
        string model = scratch.Model();
        Assert.Equal($"{scratch["half"]}: timm ViT, bfloat16\n", Succeeds("convert", "--model", model, "--dtype", "bfloat16", "--out", scratch["half"]).Output);
        Assert.Contains("BF16, 1 file", Succeeds("inspect", scratch["half"]).Output.Split('\n')[0]);
        Assert.True(new FileInfo(Path.Combine(scratch["half"], "model.safetensors")).Length < 0.7 * new FileInfo(Path.Combine(model, "model.safetensors")).Length);
    }

    [Fact]
    public void What_cannot_be_converted_is_refused_in_a_line()
    {
        using Scratch scratch = new();
        string model = scratch.Model(), target = scratch["out"];
        Refuses(scratch, 2, ["--to", "--dtype", "neither"], "convert", "--model", model, "--out", target);
        Refuses(scratch, 2, ["--to is 'keras'", "torchvision"], "convert", "--model", model, "--to", "keras", "--out", target);
        Refuses(scratch, 2, ["--dtype is 'int8'", "bfloat16"], "convert", "--model", model, "--dtype", "int8", "--out", target);
        Refuses(scratch, 1, ["no such folder"], "convert", "--model", scratch["none"], "--to", "hf", "--out", target);
        Refuses(scratch, 1, [model, "holds files already"], "convert", "--model", model, "--to", "hf", "--out", model);
        ModelFolder.Save(new VisionTransformer(Scratch.Config with { Pooling = Pooling.Average }), scratch["averaging"]);
        Refuses(scratch, 1, [target, "Hugging Face ViT has no average pooling"], "convert", "--model", scratch["averaging"], "--to", "hf", "--out", target);
        ModelFolder.Save(new VisionTransformer(Scratch.Config with { PreNorm = true, ProjectionWidth = 4 }), scratch["clip"]);
        Refuses(scratch, 1, [target, "torchvision ViT has no projection"], "convert", "--model", scratch["clip"], "--to", "torchvision", "--out", target);
        LlamaConfig llama = new() { VocabularySize = 16, Width = 8, MlpWidth = 16, Depth = 1, Heads = 2, KeyValueHeads = 1, HeadSize = 4, MaximumLength = 16 };
        ModelFolder.Save(new Llama(ModuleScope.Root(), llama), scratch["llama"]);
        Refuses(scratch, 1, [target, "timm has no such model; it is written as Hugging Face LLaMA"], "convert", "--model", scratch["llama"], "--to", "timm", "--out", target);
    }

    [Fact]
    public void Inspect_begins_with_what_the_model_is()
    {
        using Scratch scratch = new();
        string line = Succeeds("inspect", scratch.Model()).Output.Split('\n')[0];
        Assert.Equal($"timm ViT: {Scratch.Config.ParameterCount:N0} parameters, image size 16, classes 3, F32, 1 file", line);
        using JsonDocument json = JsonDocument.Parse(Succeeds("inspect", scratch["vit"], "--json").Output);
        JsonElement model = json.RootElement.GetProperty("model");
        Assert.Equal(("timm ViT", "ImageClassifier", 16, 3), (
            model.GetProperty("layout").GetString(), model.GetProperty("kind").GetString(), model.GetProperty("image_size").GetInt32(), model.GetProperty("classes").GetInt32()));
    }

    [Fact]
    public void Inspect_lists_the_tensors_of_a_model_that_it_does_not_know()
    {
        using Scratch scratch = new();
        string model = scratch.Model();
        File.WriteAllText(Path.Combine(model, "config.json"), """{"architecture": "vit_giant_patch14_224"}""");
        string[] lines = Succeeds("inspect", model).Output.Split('\n');
        Assert.StartsWith("note: ", lines[0]);
        Assert.Contains("\"architecture\" is \"vit_giant_patch14_224\"", lines[0]);
        Assert.Contains(lines, text => text.StartsWith("blocks.0.attn.qkv.weight", StringComparison.Ordinal));
    }
}
