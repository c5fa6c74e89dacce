using System.CommandLine;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine pretrain: a model from scratch.</summary>
static class PretrainCommand
{
    static readonly PretrainBranch[] Branches = [new VitPretraining(), new SwinPretraining(), new UperNetPretraining(), new LlamaPretraining()];

    static readonly Option<string> Family = new("--family") { Description = $"What to build: {string.Join(", ", Branches.Select(branch => branch.Family))}.", DefaultValueFactory = _ => Branches[0].Family };
    static readonly TrainingArguments Arguments = new("adamw", 1e-3, 20);

    public static Command Create()
    {
        Command command = Commands.Create("pretrain", "Train a model from scratch.",
            $"The result is a folder that finetune takes.\n\n{ModelBranches.Help(Branches)}");
        foreach (Option option in (Option[])
            [.. Arguments.Files, Family, .. ModelBranches.Options(Branches), .. Arguments.Recipe, Machine.Device, Machine.Threads]) command.Add(option);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        TrainingOptions options = Arguments.Options(parsed);
        PretrainBranch branch = parsed.Choose<PretrainBranch>(Family, [.. Branches.Select(branch => (branch.Family, branch))]);
        branch.RefuseOptionsOfOthers(parsed, Branches, $"{Family.Name} is {branch.Family}");
        return TrainingRun.Run(branch.Prepare(parsed, Arguments), options, Arguments, parsed, cancellation);
    }
}
