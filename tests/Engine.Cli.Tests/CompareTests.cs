using System.Text.Json.Nodes;

namespace Engine.Cli.Tests;

/// <summary>engine compare, as a user meets it.</summary>
public sealed class CompareTests
{
    static string[] Compare(Scratch scratch, params string[] more) =>
        ["compare", "--model", scratch["vit"], "--data", scratch["home"], "--ood", scratch["away"], "--out", scratch["out"], "--epochs", "1", "--batch", "8", "--threads", "1", .. more];

    [Fact]
    public void Methods_are_compared_and_the_same_command_goes_on()
    {
        using Scratch scratch = new();
        scratch.Model();
        scratch.Images("home", each: 20);
        scratch.Images("away", each: 6);
        Outcome first = EngineProcess.Run(Compare(scratch, "--methods", "adamw,adam-spd", "--sweep", "lambda=0.5,1", "--seeds", "2"));
        Assert.True(first.Code == 0, first.Errors);
        Assert.Contains("6 trainings on 48 images of home, measured on home, away", first.Output, StringComparison.Ordinal);
        Assert.Contains("lambda 0.5", first.Output, StringComparison.Ordinal);
        Assert.Contains("OOD - adamw", first.Output, StringComparison.Ordinal);
        Assert.Equal(2 + 4, JsonNode.Parse(File.ReadAllText(scratch["out/results.json"]))!["runs"]!.AsArray().Count);
        Outcome second = EngineProcess.Run(Compare(scratch, "--methods", "adamw,adam-spd,bitfit", "--sweep", "lambda=0.5,1", "--seeds", "2"));
        Assert.Contains("8 models are measured already", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("adam-spd", second.Errors, StringComparison.Ordinal);                 // no progress of it: it is done
        Assert.Contains("bitfit, seed 2", second.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_input_is_refused_in_a_line_and_leaves_nothing()
    {
        using Scratch scratch = new();
        scratch.Model();
        scratch.Images("home", each: 20);
        scratch.Images("away", each: 6);
        scratch.Images("other", classes: 4, each: 6);
        string[] before = scratch.Contents();
        void Refused(string says, params string[] arguments)
        {
            Outcome outcome = EngineProcess.Run(arguments);
            Assert.Contains(says, Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
            Assert.NotEqual(0, outcome.Code);
            Assert.Equal(before, scratch.Contents());
        }

        Refused("--ood: name folders of other domains", "compare", "--model", scratch["vit"], "--data", scratch["home"], "--out", scratch["out"]);
        Refused("no such folder", "compare", "--model", scratch["vit"], "--data", scratch["home"], "--ood", scratch["nowhere"], "--out", scratch["out"]);
        Refused("not one of the 3 classes trained on", "compare", "--model", scratch["vit"], "--data", scratch["home"], "--ood", scratch["other"], "--out", scratch["out"]);
        Refused("there is no 'adamz'", Compare(scratch, "--methods", "adamz"));
        Refused("expected a knob and its values", Compare(scratch, "--sweep", "lambda="));
        Refused("'gamma' is no knob", Compare(scratch, "--sweep", "gamma=1"));
        Refused("--seeds is 0", Compare(scratch, "--seeds", "0"));
        Refused("--budget is -1", Compare(scratch, "--budget", "-1"));
    }
}
