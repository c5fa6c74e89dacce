using System.Text;
using Engine.Models;

namespace Engine.Cli.Tests;

/// <summary>Every fault ends in one line that names what is wrong, an exit code, and nothing left behind.</summary>
public sealed class BadInputTests
{
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

    static string[] Finetune(Scratch scratch, string? model = null, string? data = null, params string[] more) =>
        ["finetune", "--model", model ?? scratch["vit"], "--data", data ?? scratch["data"], "--out", scratch["run"], "--epochs", "1", .. more];

    static Scratch Ready()
    {
        Scratch scratch = new();
        scratch.Model();
        scratch.Images();
        return scratch;
    }

    [Fact]
    public void Folders_that_are_not_there()
    {
        using Scratch scratch = Ready();
        Refuses(scratch, 1, [scratch["none"]], Finetune(scratch, model: scratch["none"]));
        Refuses(scratch, 1, [scratch["none"], "no such folder"], Finetune(scratch, data: scratch["none"]));
        Refuses(scratch, 1, [scratch["none"], "no such folder"], Finetune(scratch, more: ["--val", scratch["none"]]));
        Refuses(scratch, 1, [scratch["none"]], "evaluate", "--model", scratch["none"], "--data", scratch["data"]);
        Refuses(scratch, 1, [scratch["none"]], "inspect", scratch["none"]);
    }

    [Fact]
    public void Data_folders_of_another_form()
    {
        using Scratch scratch = Ready();
        scratch.Images("flat/inner", classes: 1);
        Refuses(scratch, 1, ["no class folders", "cats/1.jpg"], Finetune(scratch, data: scratch["flat/inner/circle"]));
        Refuses(scratch, 1, ["one class folder", "two or more"], Finetune(scratch, data: scratch["flat/inner"]));
        Directory.CreateDirectory(Path.Combine(scratch["data"], "empty"));
        Refuses(scratch, 1, [Path.Combine(scratch["data"], "empty"), "no images"], Finetune(scratch));
        scratch.Images("single", each: 1);
        Refuses(scratch, 1, [scratch["single"], "--val"], Finetune(scratch, data: scratch["single"]));
    }

    [Fact]
    public void Images_that_are_none()
    {
        using Scratch scratch = Ready();
        string text = scratch.Write("text/circle/0.png", "I am no picture."u8);
        scratch.Images("text");
        File.WriteAllText(text, "I am no picture.");
        Refuses(scratch, 1, [text], Finetune(scratch, data: scratch["text"], more: ["--val", scratch["data"]]));
        scratch.Images("cut");
        string cut = scratch.Write("cut/circle/9.jpg", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, (byte)'J', (byte)'F', (byte)'I', (byte)'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0xFF, 0xDB, 0, 67]);
        Refuses(scratch, 1, [cut], Finetune(scratch, data: scratch["cut"], more: ["--val", scratch["data"]]));
        Refuses(scratch, 1, [cut], "evaluate", "--model", scratch["vit"], "--data", scratch["cut"]);
    }

    [Fact]
    public void Checkpoints_that_are_spoilt()
    {
        using Scratch scratch = Ready();
        string weights = Path.Combine(scratch.Model("shapes"), "model.safetensors");
        using (SafeTensors file = SafeTensors.Open(weights))
        {
            SafeTensors.Create(weights + ".new", writer =>
            {
                foreach (SafeTensorItem item in file.Items.Values)
                    if (item.Name == "blocks.1.mlp.fc1.bias") writer.Write<float>(item.Name, [3], [1, 2, 3]);
                    else writer.Write(item.Name, item.Type, item.Shape, file.Read(item.Name));
            });
        }

        File.Move(weights + ".new", weights, overwrite: true);
        Refuses(scratch, 1, [scratch["shapes"], "blocks.1.mlp.fc1.bias", "[3]", "[32]"], Finetune(scratch, model: scratch["shapes"]));

        string corrupt = Path.Combine(scratch.Model("corrupt"), "model.safetensors");
        byte[] bytes = File.ReadAllBytes(corrupt);
        bytes[8] = (byte)'!';
        File.WriteAllBytes(corrupt, bytes);
        Refuses(scratch, 1, [corrupt], Finetune(scratch, model: scratch["corrupt"]));
        Refuses(scratch, 1, [corrupt], "inspect", corrupt);
        Refuses(scratch, 1, [corrupt], "evaluate", "--model", scratch["corrupt"], "--data", scratch["data"]);

        string config = Path.Combine(scratch.Model("config"), "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"depth\": 2", "\"depth\": 3", StringComparison.Ordinal));
        Assert.Contains("\"depth\": 3", File.ReadAllText(config));
        Refuses(scratch, 1, [scratch["config"]], Finetune(scratch, model: scratch["config"]));

        Directory.CreateDirectory(scratch["pickle"]);
        File.Copy(Path.Combine(scratch["vit"], "config.json"), scratch["pickle/config.json"]);
        string pickle = scratch.Write("pickle/pytorch_model.bin", [0x50, 0x4B, 3, 4, .. Encoding.ASCII.GetBytes("archive/data.pkl")]);
        Refuses(scratch, 1, ["pickle", "safetensors"], Finetune(scratch, model: scratch["pickle"]));
        Refuses(scratch, 1, ["pickle", "safetensors"], "inspect", pickle);
    }

    [Fact]
    public void Places_that_cannot_be_written()
    {
        using Scratch scratch = Ready();
        scratch.Write("run", "a file"u8);
        Refuses(scratch, 1, [scratch["run"], "is a file", "--out"], Finetune(scratch));
        Refuses(scratch, 1, [scratch["run"], "is a file", "--out"], "demo", "--quick", "--out", scratch["run"]);
        Refuses(scratch, 1, [scratch["run/below"], "cannot be written", "--out"], "pretrain", "--data", scratch["data"], "--out", scratch["run/below"], "--image", "16");
    }

    [Fact]
    public void Options_out_of_range()
    {
        using Scratch scratch = Ready();
        Refuses(scratch, 2, ["--lambda is -1", "0 or more"], Finetune(scratch, more: ["--lambda", "-1"]));
        Refuses(scratch, 2, ["--lr is 0", "above 0"], Finetune(scratch, more: ["--lr", "0"]));
        Refuses(scratch, 2, ["--batch is 0", "1 or more"], Finetune(scratch, more: ["--batch", "0"]));
        Refuses(scratch, 2, ["--threads is 0"], Finetune(scratch, more: ["--threads", "0"]));
        Refuses(scratch, 2, ["--batch", "'many'", "whole number"], Finetune(scratch, more: ["--batch", "many"]));
        Refuses(scratch, 2, ["--optimizer is 'lion'", "adam-spd"], Finetune(scratch, more: ["--optimizer", "lion"]));
        Refuses(scratch, 2, ["--schedule is 'zigzag'", "cosine"], Finetune(scratch, more: ["--schedule", "zigzag"]));
        Refuses(scratch, 2, ["--augment is 'much'", "imagenet"], Finetune(scratch, more: ["--augment", "much"]));
        Refuses(scratch, 1, ["abacus"], Finetune(scratch, more: ["--device", "abacus"]));
        Refuses(scratch, 2, ["--freeze", "'block.*'"], Finetune(scratch, more: ["--freeze", "block.*"]));
        Refuses(scratch, 2, ["--freeze", "every parameter"], Finetune(scratch, more: ["--freeze", "*"]));
        Refuses(scratch, 2, ["--anchor-exclude", "'block.*'"], Finetune(scratch, more: ["--anchor-exclude", "block.*"]));
        Refuses(scratch, 2, ["--trainable is 'some'", "head"], Finetune(scratch, more: ["--trainable", "some"]));
        Refuses(scratch, 2, ["--freeze", "every parameter"], Finetune(scratch, more: ["--trainable", "head", "--freeze", "head.*"]));
        Refuses(scratch, 2, ["--accumulate is 0", "1 or more"], Finetune(scratch, more: ["--accumulate", "0"]));
        Refuses(scratch, 2, ["--precision is 'fp16'", "float32 or bf16"], Finetune(scratch, more: ["--precision", "fp16"]));
        Refuses(scratch, 2, ["--precision is 'half'", "float32 or bf16"], "evaluate", "--model", scratch["vit"], "--data", scratch["data"], "--precision", "half");
        Refuses(scratch, 2, ["--image-size is 0", "1 or more"], Finetune(scratch, more: ["--image-size", "0"]));
        Refuses(scratch, 2, ["--image-size 20", "patches of 8"], Finetune(scratch, more: ["--image-size", "20"]));
        Refuses(scratch, 2, ["--drop-path is 1", "below 1"], Finetune(scratch, more: ["--drop-path", "1"]));
        Refuses(scratch, 2, ["--family is 'resnet'", "vit"], "pretrain", "--data", scratch["data"], "--out", scratch["run"], "--family", "resnet");
        Refuses(scratch, 2, ["--size is 'vit-xl'; --family vit has vit-ti16, vit-ti32, vit-s16,"], "pretrain", "--data", scratch["data"], "--out", scratch["run"], "--size", "vit-xl");
        Refuses(scratch, 2, ["--size is 'vit-b16'; --family swin has swin-t, swin-s, swin-b, swin-l"], "pretrain", "--data", scratch["data"], "--out", scratch["run"], "--family", "swin", "--size", "vit-b16");
        Refuses(scratch, 2, ["--size is for image classifiers", "--family is llama"], "pretrain", "--data", scratch["data"], "--out", scratch["run"], "--family", "llama", "--size", "vit-b16");
        Refuses(scratch, 2, ["--heads", "192", "multiple of 5"], "pretrain", "--data", scratch["data"], "--out", scratch["run"], "--size", "vit-ti16", "--heads", "5");
        Refuses(scratch, 2, ["--kv-heads is for language models", "--family is vit"], "pretrain", "--data", scratch["data"], "--out", scratch["run"], "--kv-heads", "2");
        Refuses(scratch, 2, ["--weight-decay", "--lambda"], Finetune(scratch, more: ["--weight-decay", "0.1"]));
        Refuses(scratch, 2, ["--lambda", "adamw"], Finetune(scratch, more: ["--optimizer", "adamw", "--lambda", "2"]));
        Refuses(scratch, 2, ["--resume", "training_state"], Finetune(scratch, more: ["--resume"]));
        Refuses(scratch, 2, ["--heads", "multiple"], "pretrain", "--data", scratch["data"], "--out", scratch["run"], "--heads", "5");
        Refuses(scratch, 2, ["--domain is 'oil'", "sketch"], "demo", "--domain", "oil", "--out", scratch["run"]);
    }

    [Fact]
    public void Command_lines_that_say_nothing_known()
    {
        using Scratch scratch = Ready();
        Refuses(scratch, 2, ["--bogus", "engine finetune --help"], Finetune(scratch, more: ["--bogus"]));
        Refuses(scratch, 2, ["tune", "engine --help"], "tune");
        Refuses(scratch, 2, ["--model", "required"], "finetune", "--data", scratch["data"], "--out", scratch["run"]);
        Refuses(scratch, 2, ["path", "engine inspect --help"], "inspect");
    }

    [Fact]
    public void Data_with_other_classes_than_the_model()
    {
        using Scratch scratch = Ready();
        scratch.Images("more", classes: 4);
        Refuses(scratch, 1, [scratch["vit"], "3 classes", "4"], "evaluate", "--model", scratch["vit"], "--data", scratch["more"]);
        Refuses(scratch, 1, ["square"], Finetune(scratch, more: ["--val", OtherClass(scratch)]));
    }

    static string OtherClass(Scratch scratch)
    {
        scratch.Images("other", classes: 2);
        Directory.Move(Path.Combine(scratch["other"], "square"), Path.Combine(scratch["other"], "squares"));
        return scratch["other"];
    }

    [Fact]
    public void A_run_of_another_configuration_is_neither_resumed_nor_overwritten()
    {
        using Scratch scratch = Ready();
        Assert.Equal(0, EngineProcess.Run(Finetune(scratch)).Code);
        Refuses(scratch, 2, [scratch["run"], "--resume"], Finetune(scratch));
        Refuses(scratch, 1, ["training_state.safetensors", "the learning rate was 0.0001", "0.01 now"], Finetune(scratch, more: ["--resume", "--lr", "0.01"]));
        Refuses(scratch, 1, ["the optimizer was AdamSpd"], Finetune(scratch, more: ["--resume", "--optimizer", "adamw"]));
    }

    [Fact]
    public void A_loss_that_is_no_number()
    {
        using Scratch scratch = Ready();
        string[] before = scratch.Contents();
        Outcome outcome = EngineProcess.Run(Finetune(scratch,
            more: ["--optimizer", "sgd", "--lr", "1e25", "--schedule", "constant", "--warmup", "0", "--batch", "2", "--val", scratch["data"]]));
        Assert.Equal(1, outcome.Code);
        Assert.All(outcome.ErrorLines[..^1], line => Assert.StartsWith("training: step", line));
        Assert.StartsWith("error: The loss is ", outcome.ErrorLines[^1]);
        Assert.Contains("lower the learning rate", outcome.ErrorLines[^1]);
        Assert.Equal(before, scratch.Contents());
    }

    [Fact]
    public void A_disk_that_is_full()
    {
        using Scratch scratch = Ready();
        string disk = scratch["disk"];
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && Shell("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk), "needs to mount a small disk");
        try
        {
            Outcome outcome = EngineProcess.Run("finetune", "--model", scratch["vit"], "--data", scratch["data"], "--out", Path.Combine(disk, "run"), "--epochs", "1");
            Assert.Equal(1, outcome.Code);
            Assert.Contains(Path.Combine(disk, "run"), outcome.ErrorLines[^1]);
            Assert.Contains("disk was full", outcome.ErrorLines[^1]);
            Assert.Empty(Directory.GetFileSystemEntries(disk));
        }
        finally
        {
            Shell("umount", disk);
        }
    }

    static bool Shell(string program, params string[] arguments)
    {
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
