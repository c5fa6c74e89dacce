using System.CommandLine;
using Engine.Autograd;

namespace Engine.Cli;

/// <summary>engine evaluate: how well a model does.</summary>
static class EvaluateCommand
{
    // The first that takes model and data does the work.
    static readonly EvaluateBranch[] Branches = [new SegmenterEvaluation(), new ClassificationEvaluation(), new TextEvaluation()];

    static readonly Option<string> Model = new("--model") { Description = "A model folder.", Required = true };
    static readonly Option<string?> Adapter = new("--adapter") { Description = "An adapter folder that was trained on the model." };
    static readonly Option<string> Data = new("--data") { Description = "The data, in the form that finetune takes.", Required = true };
    static readonly Option<int> Batch = new("--batch") { Description = "Images or texts at a time.", DefaultValueFactory = _ => 64 };
    static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead of tables." };

    public static Command Create()
    {
        Command command = Commands.Create("evaluate", "Measure a model on data it has not seen.", ModelBranches.Help(Branches));
        foreach (Option option in (Option[])[Model, Adapter, Data, .. ModelBranches.Options(Branches), Batch, Json, Machine.Precision, Machine.Device, Machine.Threads]) command.Add(option);
        Commands.Run(command, Run);
        return command;
    }

    static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Machine.Apply(parsed);
        EvaluationArguments arguments = new(parsed.GetValue(Model)!, parsed.GetValue(Data)!, parsed.GetValue(Batch), parsed.GetValue(Json), parsed.GetValue(Adapter));
        if (arguments.Batch < 1) throw new UsageException($"{Batch.Name} is {arguments.Batch}; it must be 1 or more.");
        using Tape.AutocastScope precision = Tape.Autocast(Machine.PrecisionOf(parsed));
        Branches.Choose(parsed, arguments.Folder, arguments.Data, arguments.Adapter).Run(parsed, arguments, cancellation);
        return ExitCode.Success;
    }
}
