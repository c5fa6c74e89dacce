using System.CommandLine;
using Engine.Training;

namespace Engine.Cli;

/// <summary>engine finetune: a checkpoint people have, on data people have.</summary>
static class FinetuneCommand
{
    static readonly AdaptationArguments Adaptation = new();

    // The first that takes model and data does the work.
    static readonly FinetuneBranch[] Branches = [new SegmentationRun(), new ClassificationRun(), new TextRun(Adaptation)];

    static readonly Option<string> Model = new("--model") { Description = "A model folder: config.json and model.safetensors.", Required = true };
    static readonly TrainingArguments Arguments = new("adam-spd", 1e-4, 5);

    public static Command Create()
    {
        Command command = Commands.Create("finetune", "Fine-tune a model on your own data.",
            "The best and the last weights are saved in the layout the model came in, with what belongs to it; with --peft as adapters beside\n" +
            "the untouched model (evaluate them with --adapter, or engine merge them). Ctrl-C saves and stops; the\n" +
            $"same command with --resume goes on. What the model folder holds decides what the data are:\n\n{ModelBranches.Help(Branches)}");
        command.Add(Model);
        foreach (Option option in (Option[])
            [.. Arguments.Files, .. Adaptation.Options, .. ModelBranches.Options(Branches), .. Arguments.Recipe, Machine.Device, Machine.Threads]) command.Add(option);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        TrainingOptions options = Arguments.Options(parsed);
        Adaptation.Check(parsed);
        string folder = parsed.GetValue(Model)!;
        FinetuneBranch branch = Branches.Choose(parsed, folder, Arguments.Data(parsed));
        PreparedRun run = branch.Prepare(parsed, folder, Arguments, options);
        (run, options) = Adaptation.Apply(parsed, run, options, folder, Arguments.Resume(parsed), cancellation);
        return TrainingRun.Run(run, options, Arguments, parsed, cancellation);
    }
}
