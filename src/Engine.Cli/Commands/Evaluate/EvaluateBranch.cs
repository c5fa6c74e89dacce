using System.CommandLine;

namespace Engine.Cli;

/// <summary>How evaluate deals with one kind of model.</summary>
abstract class EvaluateBranch : ModelBranch
{
    /// <summary>Measures and prints.</summary>
    /// <param name="parsed">The command line, for options of this kind's own.</param>
    /// <param name="arguments">What every kind has.</param>
    /// <param name="cancellation">Ctrl-C.</param>
    public abstract void Run(ParseResult parsed, EvaluationArguments arguments, CancellationToken cancellation);
}

/// <summary>What every evaluation is given.</summary>
/// <param name="Folder">The model's folder.</param>
/// <param name="Data">The data.</param>
/// <param name="Batch">Images or texts at a time, 1 or more.</param>
/// <param name="Json">Print one JSON object instead of tables.</param>
sealed record EvaluationArguments(string Folder, string Data, int Batch, bool Json);
