using System.CommandLine;
using Engine.Models;
using Engine.Training;

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
/// <param name="Adapter">A folder of adapters for the model, or null.</param>
sealed record EvaluationArguments(string Folder, string Data, int Batch, bool Json, string? Adapter = null)
{
    /// <summary>The folder with what belongs to the model as it is measured: class names, preprocessing.</summary>
    public string Companions => Adapter ?? Folder;

    /// <summary>Refuses data of another number of classes.</summary>
    /// <param name="told">Classes that the model tells apart.</param>
    /// <param name="found">Those of the data.</param>
    /// <param name="data">Where they come from; null for the file beside the model.</param>
    /// <exception cref="CheckpointException">They are more or fewer.</exception>
    public void CheckClasses(int told, IReadOnlyList<string> found, string? data)
    {
        if (told != found.Count)
            throw new CheckpointException(Folder, $"the model tells {told} classes apart, {data ?? ClassifierFiles.ClassNamesFile} has {found.Count}; evaluate on the classes it was trained on, or fine-tune it on these");
    }

    /// <summary>Loads the model, with its adapters where there are any.</summary>
    public LoadedModel<TModel> Load<TModel>() where TModel : Module => AdaptedModel.Load<TModel>(Folder, Adapter);
}
