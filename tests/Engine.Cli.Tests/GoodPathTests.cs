using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli.Tests;

public sealed class GoodPathTests
{
    static Outcome Succeeds(params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        Assert.True(outcome.Code == 0, $"exit code {outcome.Code}: {outcome.Errors}");
        Assert.All(outcome.Output.Split('\n'), line => Assert.Equal(line.TrimEnd(), line));
        return outcome;
    }

    [Fact]
    public void Finetune_says_that_the_head_is_new_and_saves_whole_models_that_evaluate_reads()
    {
        using Scratch scratch = new();
        string model = scratch.Model(classes: 7), data = scratch.Images(), run = scratch["run"];
        Outcome tuned = Succeeds("finetune", "--model", model, "--data", data, "--out", run, "--epochs", "2", "--batch", "4", "--trace", "--explain-steps", "2,5");
        Assert.Contains("New head for 3 classes (the checkpoint's tells 7 others apart)", tuned.Output);
        Assert.Contains("12 training and 3 validation images", tuned.Output);
        Assert.Equal(["best", "last", "report.html", "run.json", "steps", "trace.arrow"], Directory.GetFileSystemEntries(run).Select(Path.GetFileName).Order());
        foreach (string name in (string[])["best", "last"])
        {
            string folder = Path.Combine(run, name);
            Assert.Equal(DrawnDomains.Shapes.Take(3), ClassifierFiles.ReadClassNames(folder));
            Assert.Equal(16, Preprocessing.Load(Path.Combine(folder, Preprocessing.FileName)).Size);
            Assert.Equal(3, ModelFolder.Load<ImageClassifier>(folder).Model.Classes);
            SameLayout(model, folder);
        }

        using JsonDocument json = JsonDocument.Parse(Succeeds("evaluate", "--model", Path.Combine(run, "best"), "--data", data, "--json").Output);
        Assert.Equal(15, json.RootElement.GetProperty("images").GetInt32());
        Assert.Equal(3, json.RootElement.GetProperty("classes").GetArrayLength());
        Assert.Equal(5, json.RootElement.GetProperty("classes")[1].GetProperty("confusion").EnumerateArray().Sum(count => count.GetInt32()));
        string table = Succeeds("evaluate", "--model", Path.Combine(run, "best"), "--data", data).Output;
        Assert.Contains(json.RootElement.GetProperty("accuracy").GetDouble().ToString("P1", Percent), table.Split('\n')[0]);
        Assert.Contains("confusion", table);
        Assert.All(DrawnDomains.Shapes.Take(3), name => Assert.Contains(name, table));
    }

    [Fact]
    public void A_saved_step_is_explained_and_reported()
    {
        using Scratch scratch = new();
        string run = scratch["run"];
        Succeeds("finetune", "--model", scratch.Model(), "--data", scratch.Images(), "--out", run, "--epochs", "2", "--batch", "2", "--lr", "1e-3", "--trace", "trace.csv", "--explain-steps", "3,7");
        string all = Succeeds("explain", "--run", run, "--step", "7").Output, one = Succeeds("explain", "--run", run, "--step", "7", "--layer", "blocks.0.attn.qkv.weight", "--counterfactual").Output;
        Assert.Contains("blocks.1.mlp.fc1.weight", all);
        Assert.All((string[])["eq. 3", "eq. 9", "eq. 4", "L2-SP", "AdamW", "inverted condition"], text => Assert.Contains(text, one));
        Assert.Contains("change of |W - W0|", Succeeds("explain", "--run", run, "--step", "3", "--counterfactual").Output);
        Assert.Contains("report.html: 1 run", Succeeds("report", "--run", run, "--out", scratch["report.html"]).Output);
        Refused("step 4 was not saved in", "explain", "--run", run, "--step", "4");
        Refused("near it: blocks.0.attn.qkv.weight", "explain", "--run", run, "--step", "3", "--layer", "attn.qkv.weight");
        Refused("there is no folder", "explain", "--run", scratch["absent"], "--step", "3");
        Refused("has no saved steps", "explain", "--run", scratch["data"], "--step", "3");
        Refused("holds no run.json", "report", "--run", scratch["data"]);
        Refused("there is no such folder", "report", "--run", scratch["absent"]);
        Refused("'x' is no step", "finetune", "--model", scratch["vit"], "--data", scratch["data"], "--out", scratch["other"], "--explain-steps", "x");

        static void Refused(string why, params string[] arguments)
        {
            Outcome refused = EngineProcess.Run(arguments);
            Assert.NotEqual(0, refused.Code);
            Assert.Contains(why, Assert.Single(refused.ErrorLines));
        }
    }

    [Fact]
    public void The_example_with_one_weight_projects_where_momentum_overshoots()
    {
        using Scratch scratch = new();
        string table = Succeeds("explain", "--example", "--picture", scratch["one.png"]).Output;
        Assert.Contains("projected", table);
        Assert.True(ImageDecoder.Decode(scratch["one.png"]).Width > 500);
    }

    static readonly NumberFormatInfo Percent = new() { PercentPositivePattern = 0 };

    static void SameLayout(string before, string after)
    {
        using SafeTensors first = SafeTensors.Open(Path.Combine(before, "model.safetensors")), second = SafeTensors.Open(Path.Combine(after, "model.safetensors"));
        Assert.Equal(first.Items.Values.OrderBy(item => item.ByteOffset).Select(item => (item.Name, item.Type)), second.Items.Values.OrderBy(item => item.ByteOffset).Select(item => (item.Name, item.Type)));
    }

    [Fact]
    public void Mixed_precision_trains_and_saves_the_layout_of_the_model_and_is_asked_for_again_to_resume()
    {
        using Scratch scratch = new();
        string model = scratch.Model(), data = scratch.Images(), run = scratch["run"];
        string[] finetune = ["finetune", "--model", model, "--data", data, "--out", run, "--epochs", "2", "--batch", "4"];
        Succeeds([.. finetune, "--precision", "bf16"]);
        SameLayout(model, Path.Combine(run, "best"));
        Succeeds([.. finetune, "--precision", "bf16", "--resume"]);
        Assert.Contains("the precision was BFloat16 in the saved run and is Float32 now", EngineProcess.Run([.. finetune, "--resume"]).Errors);
        double exact = Loss("float32"), mixed = Loss("bf16");
        Assert.NotEqual(exact, mixed);
        Assert.Equal(exact, mixed, 0.05);

        double Loss(string precision)
        {
            using JsonDocument json = JsonDocument.Parse(Succeeds("evaluate", "--model", Path.Combine(run, "best"), "--data", data, "--json", "--precision", precision).Output);
            return json.RootElement.GetProperty("loss").GetDouble();
        }
    }

    [Fact]
    public void Profile_lists_what_a_step_of_a_model_calls_and_what_it_takes()
    {
        using Scratch scratch = new();
        string model = scratch.Model();
        using JsonDocument json = JsonDocument.Parse(Succeeds("profile", "--model", model, "--batch", "2", "--steps", "2", "--json").Output);
        JsonElement[] operations = [.. json.RootElement.GetProperty("operations").EnumerateArray()];
        Assert.Contains(operations, operation => operation.GetProperty("operation").GetString() == "ArenaUpdate AdamWRule" && operation.GetProperty("calls").GetInt32() == 1);
        Assert.Equal(json.RootElement.GetProperty("seconds").GetDouble(),
            json.RootElement.GetProperty("seconds_outside_operations").GetDouble() + operations.Sum(operation => operation.GetProperty("seconds").GetDouble()), 9);
        string forward = Succeeds("profile", "--model", model, "--batch", "2", "--steps", "1", "--forward", "--shapes").Output;
        Assert.Contains("bound/time, %", forward);
        Assert.DoesNotContain("Gradient", forward);
        Assert.Contains("--batch is 0", EngineProcess.Run("profile", "--model", model, "--batch", "0").Errors);
    }

    [Fact]
    public void A_model_whose_classes_fit_keeps_its_head()
    {
        using Scratch scratch = new();
        Outcome tuned = Succeeds("finetune", "--model", scratch.Model(), "--data", scratch.Images(), "--out", scratch["run"], "--epochs", "1");
        Assert.DoesNotContain("New head", tuned.Output);
    }

    [Theory]
    [InlineData("head", "head.")]
    [InlineData("bias", "bias")]
    public void What_is_not_trainable_comes_out_as_it_was(string trainable, string trained)
    {
        using Scratch scratch = new();
        string model = scratch.Model();
        Succeeds("finetune", "--model", model, "--data", scratch.Images(), "--out", scratch["run"], "--epochs", "1", "--batch", "4", "--accumulate", "2",
            "--recompute", "--lr", "0.1", "--warmup", "0", "--trainable", trainable);
        using SafeTensors before = SafeTensors.Open(Path.Combine(model, "model.safetensors")), after = SafeTensors.Open(scratch["run/last/model.safetensors"]);
        foreach (string name in before.Items.Keys)
        {
            bool moves = name.Contains(trained, StringComparison.Ordinal) || name.StartsWith("head.", StringComparison.Ordinal);
            Assert.True(moves != before.Read(name).SequenceEqual(after.Read(name)), name);
        }
    }

    [Fact]
    public void Another_image_size_is_trained_saved_and_evaluated()
    {
        using Scratch scratch = new();
        string data = scratch.Images(), best = scratch["run/best"];
        Succeeds("finetune", "--model", scratch.Model(), "--data", data, "--out", scratch["run"], "--epochs", "1", "--image-size", "24");
        Assert.Equal(24, ModelFolder.Load<ImageClassifier>(best).Model.ImageSize);
        Assert.Equal(24, Preprocessing.Load(Path.Combine(best, Preprocessing.FileName)).Size);
        Succeeds("evaluate", "--model", best, "--data", data);
    }

    [Fact]
    public void Pretrain_leaves_a_model_that_finetune_takes()
    {
        using Scratch scratch = new();
        string data = scratch.Images();
        Succeeds("pretrain", "--data", data, "--out", scratch["scratch"], "--image", "16", "--patch", "8", "--width", "16", "--depth", "1", "--heads", "2", "--epochs", "1");
        Succeeds("finetune", "--model", scratch["scratch/best"], "--data", data, "--out", scratch["run"], "--epochs", "1");
    }

    [Fact]
    public void Pretrain_builds_a_swin_that_finetune_takes()
    {
        using Scratch scratch = new();
        string data = scratch.Images();
        Succeeds("pretrain", "--family", "swin", "--data", data, "--out", scratch["scratch"], "--image", "16", "--patch", "2", "--width", "8", "--heads", "1", "--depths", "1,1", "--epochs", "1");
        Succeeds("finetune", "--model", scratch["scratch/best"], "--data", data, "--out", scratch["run"], "--epochs", "1");
    }

    [Fact]
    public void Pretrain_takes_a_published_size_by_name_and_what_is_typed_besides_comes_first()
    {
        using Scratch scratch = new();
        string data = scratch.Images(), vit = scratch["vit/last"], swin = scratch["swin/last"];
        Succeeds("pretrain", "--size", "vit-ti16", "--image", "32", "--depth", "1", "--data", data, "--out", scratch["vit"], "--epochs", "1");
        Assert.Equal((VitConfig.Named("vit-ti16") with { ImageSize = 32, Depth = 1, Classes = 3 }).ToString(), ModelFolder.Load<ImageClassifier>(vit).Model.Architecture);
        Succeeds("pretrain", "--family", "swin", "--size", "swin-s", "--image", "28", "--width", "8", "--heads", "1", "--depths", "1,1", "--data", data, "--out", scratch["swin"], "--epochs", "1");
        SwinConfig expected = SwinConfig.Named("swin-s") with { ImageSize = 28, Width = 8, Depths = [1, 1], Heads = [1, 2], Classes = 3 };
        Assert.Equal(expected.ToString(), ModelFolder.Load<ImageClassifier>(swin).Model.Architecture);
    }

    [Fact]
    public void Inspect_lists_what_a_file_holds()
    {
        using Scratch scratch = new();
        string model = scratch.Model();
        string table = Succeeds("inspect", model).Output;
        Assert.Contains("blocks.1.attn.qkv.weight", table);
        Assert.Contains("[48, 16]", table);
        using JsonDocument json = JsonDocument.Parse(Succeeds("inspect", Path.Combine(model, "model.safetensors"), "--json").Output);
        long parameters = new VisionTransformer(Scratch.Config).ParameterCount;
        Assert.Equal(parameters, json.RootElement.GetProperty("parameters").GetInt64());
        Assert.Contains(json.RootElement.GetProperty("tensors").EnumerateArray(), tensor => tensor.GetProperty("name").GetString() == "head.bias");
        Assert.Contains(parameters.ToString("N0", CultureInfo.InvariantCulture), table);
    }

    [Fact, Trait("Speed", "Slow")]
    public void Demo_leaves_the_files_it_names()
    {
        using Scratch scratch = new();
        Outcome demo = Succeeds("demo", "--quick", "--seeds", "1", "--out", scratch["demo"]);
        string[] named = [.. demo.Output.Split('\n').Where(line => line.StartsWith(scratch.Path, StringComparison.Ordinal)).Select(line => line.Split("  ")[0])];
        Assert.Equal(Directory.GetFileSystemEntries(scratch["demo"]).Order(), named.Order());
        Assert.True(ImageDecoder.Decode(scratch["demo/accuracy.png"]).Width > 500);
        Assert.True(ImageDecoder.Decode(scratch["demo/samples.png"]).Width > 500);
        Assert.True(TraceTable.Read(scratch["demo/trace.arrow"]).Rows.Count > 50);
        Assert.Equal(2, ExperimentResults.Load(scratch["demo/results.json"]).Runs.Count);
        Assert.Contains("report.html: 1 run, 2 results", Succeeds("report", "--run", scratch["demo"], "--out", scratch["report.html"]).Output);
        Assert.Equal(DrawnDomains.Shapes, ClassifierFiles.ReadClassNames(scratch["demo/adam-spd"]));
        foreach (string method in (string[])["pre-trained", "AdamW", "Adam-SPD"]) Assert.Contains(method, demo.Output);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--help")]
    [InlineData("finetune --help")]
    [InlineData("pretrain --help")]
    [InlineData("evaluate --help")]
    [InlineData("inspect --help")]
    [InlineData("demo --help")]
    [InlineData("report --help")]
    [InlineData("explain --help")]
    public void Help_is_on_standard_output(string arguments)
    {
        Outcome help = EngineProcess.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((0, ""), (help.Code, help.Errors));
        Assert.Contains("engine", help.Output);
        Assert.Contains("--help", help.Output);
    }

    [Fact]
    public void Version_is_a_number() => Assert.Matches(@"^\d+\.\d+\.\d+", Succeeds("--version").Output);

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 130)]
    public void An_interrupted_run_saves_says_so_and_resumes_to_the_same_bytes(string signal, int code)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill");
        using Scratch scratch = new();
        string[] Arguments(string run, string epochs) =>
            ["finetune", "--model", scratch["vit"], "--data", scratch["data"], "--out", scratch[run], "--epochs", epochs, "--batch", "2", "--lr", "1e-3", "--trace"];
        scratch.Model();
        scratch.Images(each: 30);
        const string Epochs = "40";
        using Process process = EngineProcess.Start(Arguments("run", Epochs));
        // The first epoch's weights on disk: training is under way.
        for (int i = 0; i < 600 && !Directory.Exists(scratch["run/last"]) && !process.HasExited; i++) Thread.Sleep(50);
        using (Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"])) kill.WaitForExit();
        Outcome interrupted = EngineProcess.Finish(process);
        Assert.True(interrupted.Code == code, $"exit code {interrupted.Code}: {interrupted.Errors}");
        Assert.Contains("Interrupted; everything up to the last whole step is saved", interrupted.ErrorLines[^1]);
        Assert.Contains("the weights when interrupted in epoch", interrupted.Output);
        Assert.DoesNotContain(scratch.Contents(), path => path.EndsWith(".tmp", StringComparison.Ordinal));

        Assert.Contains("Resumed after", Succeeds([.. Arguments("run", Epochs), "--resume"]).Output);
        Succeeds(Arguments("whole", Epochs));
        foreach (string file in (string[])["last/model.safetensors", "best/model.safetensors", "last/training_state.safetensors", "trace.arrow"])
            Assert.Equal(File.ReadAllBytes(scratch[$"whole/{file}"]), File.ReadAllBytes(scratch[$"run/{file}"]));
    }
}
