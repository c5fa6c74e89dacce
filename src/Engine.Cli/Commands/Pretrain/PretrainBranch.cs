using System.CommandLine;

namespace Engine.Cli;

/// <summary>How pretrain builds one family of models.</summary>
abstract class PretrainBranch : ModelBranch
{
    /// <summary>What <c>--family</c> calls it: <c>vit</c>.</summary>
    public abstract string Family { get; }

    /// <summary>Builds the model, finds its data, and says in a line what they are.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="arguments">Data, batch, seed.</param>
    public abstract PreparedRun Prepare(ParseResult parsed, TrainingArguments arguments);
}
