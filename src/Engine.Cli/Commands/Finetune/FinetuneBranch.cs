using System.CommandLine;
using Engine.Training;

namespace Engine.Cli;

/// <summary>How finetune deals with one kind of model.</summary>
abstract class FinetuneBranch : ModelBranch
{
    /// <summary>Loads model and data, and says in a line or two what they are.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="folder">The model's folder.</param>
    /// <param name="arguments">Data, batch, seed.</param>
    /// <param name="options">How it will be trained.</param>
    public abstract PreparedRun Prepare(ParseResult parsed, string folder, TrainingArguments arguments, TrainingOptions options);
}
