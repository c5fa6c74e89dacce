using System.Text.Json.Nodes;
using Engine.Models;
using Engine.Training;

namespace Engine.Cli.Tests;

/// <summary>Adapters and phases through the command.</summary>
public sealed class AdaptationTests
{
    static Outcome Succeeds(params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        Assert.True(outcome.Code == 0, $"exit code {outcome.Code}: {outcome.Errors}");
        return outcome;
    }

    static void Refuses(string says, params string[] arguments)
    {
        Outcome outcome = EngineProcess.Run(arguments);
        Assert.Contains(says, Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
        Assert.NotEqual(0, outcome.Code);
    }

    static string[] Finetune(Scratch scratch, params string[] more) =>
        ["finetune", "--model", scratch["vit"], "--data", scratch["data"], "--out", scratch["run"], "--epochs", "2", "--batch", "4", "--threads", "1", .. more];

    static double Loss(params string[] arguments) => (double)JsonNode.Parse(Succeeds(["evaluate", .. arguments, "--json"]).Output)!["loss"]!;

    [Fact, Trait("Speed", "Slow")]
    public void Lora_is_trained_saved_evaluated_merged_and_gone_on_from()
    {
        using Scratch scratch = new();
        scratch.Model(classes: 7);                              // another head than the images need
        scratch.Images();
        byte[] weights = File.ReadAllBytes(Path.Combine(scratch["vit"], "model.safetensors"));
        Outcome run = Succeeds(Finetune(scratch, "--peft", "lora", "--rank", "2", "--target", "qkv", "fc1", "--lr", "0.01"));
        Assert.Contains("4 layers with adapters", run.Output, StringComparison.Ordinal);
        string best = Path.Combine(scratch["run"], "best");
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(scratch["vit"], "model.safetensors")));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "class_names.json", "preprocessing.json"], Directory.GetFiles(best).Select(file => Path.GetFileName(file)).Order());
        Assert.Equal(scratch["vit"], Peft.BaseModelOf(best));

        double adapted = Loss("--model", scratch["vit"], "--adapter", best, "--data", scratch["data"]);
        Succeeds("merge", "--model", scratch["vit"], "--adapter", best, "--out", scratch["merged"]);
        Assert.Equal(adapted, Loss("--model", scratch["merged"], "--data", scratch["data"]), 1e-4);
        Assert.Equal(3, ClassifierFiles.ReadClassNames(scratch["merged"])!.Count);

        Refuses("holds a run already", Finetune(scratch, "--peft", "lora", "--rank", "2", "--target", "qkv", "fc1", "--lr", "0.01"));
        Refuses("adaptation was", Finetune(scratch, "--peft", "lora", "--rank", "2", "--target", "qkv", "--lr", "0.01", "--resume"));
        Succeeds("finetune", "--model", scratch["vit"], "--adapter", best, "--data", scratch["data"], "--out", scratch["more"], "--epochs", "1", "--batch", "4", "--threads", "1");
        Assert.True(File.Exists(Path.Combine(scratch["more"], "last", "adapter_model.safetensors")));
    }

    [Fact, Trait("Speed", "Slow")]
    public void A_probe_on_cached_features_and_lp_ft_end_in_whole_models()
    {
        using Scratch scratch = new();
        scratch.Model();
        scratch.Images();
        Succeeds(Finetune(scratch, "--trainable", "head", "--cache-features"));
        Assert.True(Loss("--model", Path.Combine(scratch["run"], "last"), "--data", scratch["data"]) > 0);
        Outcome phases = Succeeds("finetune", "--model", scratch["vit"], "--data", scratch["data"], "--out", scratch["phases"], "--epochs", "1", "--batch", "4", "--threads", "1", "--lp-ft", "3");
        Assert.Contains("Linear probe: accuracy", phases.Output, StringComparison.Ordinal);
        Succeeds("finetune", "--model", scratch["vit"], "--data", scratch["data"], "--out", scratch["phases"], "--epochs", "1", "--batch", "4", "--threads", "1", "--lp-ft", "3", "--resume");
    }

    [Theory]
    [InlineData("choose lora, series or parallel", "--peft", "dora")]
    [InlineData("--rank does nothing without --peft", "--rank", "4")]
    [InlineData("--bottleneck does nothing with --peft lora", "--peft", "lora", "--bottleneck", "4")]
    [InlineData("both say what is trained", "--peft", "lora", "--trainable", "head")]
    [InlineData("'q_porj' fits no linear layer", "--peft", "lora", "--target", "q_porj")]
    [InlineData("rank is 0", "--peft", "lora", "--rank", "0")]
    [InlineData("--cache-features is for --trainable head", "--cache-features")]
    [InlineData("--lp-ft is 0", "--lp-ft", "0")]
    [InlineData("holds no adapter_config.json", "--adapter", "vit")]
    public void Options_that_make_no_sense_are_refused_in_a_line(string says, params string[] more)
    {
        using Scratch scratch = new();
        scratch.Model();
        scratch.Images();
        string[] before = scratch.Contents();
        Refuses(says, Finetune(scratch, [.. more.Select(word => word == "vit" ? scratch["vit"] : word)]));
        Assert.Equal(before, scratch.Contents());
    }
}
