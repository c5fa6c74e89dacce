using System.Globalization;
using Engine.Autograd;
using Engine.Models;
using Engine.Optim;
using Engine.Tensors;

namespace Engine.Training;

/// <content>Saving and resuming, to the bit.</content>
public sealed partial class Trainer
{
    /// <summary>The usual name of the file that <see cref="SaveState"/> writes.</summary>
    public const string StateFile = "training_state.safetensors";

    const string Format = "engine training state 2", WeightPrefix = "weight.", OptimizerPrefix = "optimizer.", RunPrefix = "run: ";

    /// <summary>
    /// Writes all that another process needs to go on exactly here: trained weights and buffers in full precision, the optimizer's state,
    /// epoch and step, the position of the random numbers, the best score, and the options. The file appears only when whole.
    /// </summary>
    /// <param name="path">Usually <see cref="StateFile"/> beside the model.</param>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void SaveState(string path)
    {
        using StepScope scope = StepScope.Begin();
        Dictionary<string, Tensor> tensors = [];
        foreach (Parameter parameter in Changing) tensors[WeightPrefix + parameter.Name] = parameter.Value;
        foreach ((string name, Tensor state) in Optimizer.SaveState()) tensors[OptimizerPrefix + name] = state;
        TensorFile.Save(path, tensors,
        [
            new("format", Format),
            new("epoch", Epoch.ToString(CultureInfo.InvariantCulture)),
            new("step", StepInEpoch.ToString(CultureInfo.InvariantCulture)),
            new("random", Model.Random.Position.ToString(CultureInfo.InvariantCulture)),
            new("best score", BestScore.ToString("R", CultureInfo.InvariantCulture)),
            new("best result", BestSummary ?? ""),
            new("best epoch", BestEpoch.ToString(CultureInfo.InvariantCulture)),
            .. Describe().Select(entry => new KeyValuePair<string, string>(RunPrefix + entry.Name, entry.Text)),
        ]);
    }

    /// <summary>Goes back to a saved state; <see cref="Fit"/> then continues that run. Nothing changes if it does not fit.</summary>
    /// <param name="path">A file that <see cref="SaveState"/> wrote.</param>
    /// <exception cref="CheckpointException">The file cannot be read, or is of a run with other options, data, optimizer or model; the first difference is named.</exception>
    public void LoadState(string path)
    {
        using StepScope scope = StepScope.Begin();
        using SafeTensors file = SafeTensors.Open(path);
        if (file.Metadata.GetValueOrDefault("format") != Format)
            throw new CheckpointException(path, $"is not an {Format}; only a run saved by this version can be resumed");
        if (RunDescription.Difference(file.Metadata, RunPrefix, Describe()) is { } difference)
            throw new CheckpointException(path, $"{difference}; resume with the same options and data, or start a new run");
        (int epoch, int step) = (Number<int>(file, "epoch"), Number<int>(file, "step"));
        (ulong random, double score, int best) = (Number<ulong>(file, "random"), Number<double>(file, "best score"), Number<int>(file, "best epoch"));
        if (epoch < 0 || epoch > options.Epochs || step < 0 || step > StepsPerEpoch)
            throw new CheckpointException(path, $"says epoch {epoch}, step {step}; the run has {options.Epochs} epochs of {StepsPerEpoch} steps");
        Dictionary<string, Tensor> weights = TensorFile.Read(file, WeightPrefix, Model.Device);
        foreach (Parameter parameter in Changing)
            if (!weights.TryGetValue(parameter.Name, out Tensor? weight) || weight.Shape != parameter.Shape || weight.DType != DType.Float32)
                throw new CheckpointException(path, $"{weight?.ToString() ?? "absent"}, {parameter.Shape} expected; the state is of another model", WeightPrefix + parameter.Name);
        try
        {
            Optimizer.LoadState(TensorFile.Read(file, OptimizerPrefix, Model.Device));
        }
        catch (ArgumentException exception)
        {
            throw new CheckpointException(path, exception.Message, innerException: exception);
        }

        foreach (Parameter parameter in Changing) parameter.Value.CopyFrom(weights[parameter.Name]);
        (Epoch, StepInEpoch, BestScore, BestEpoch) = (epoch, step, score, best);
        BestSummary = best > 0 ? file.Metadata.GetValueOrDefault("best result") : null;
        Model.Random.Position = random;
    }

    // What a run changes in the model: the trained parameters, and buffers such as running statistics.
    IEnumerable<Parameter> Changing => Arena.Segments.Select(segment => segment.Parameter).Concat(Model.Parameters.Where(parameter => parameter.IsBuffer));

    /// <summary>Everything that the weights depend on, as names and texts: options, optimizer, data.</summary>
    public IReadOnlyList<(string Name, string Text)> Describe() =>
        [.. RunDescription.Of(options, Optimizer.GetType().Name), .. Task.Description];

    static T Number<T>(SafeTensors file, string name) where T : IParsable<T> =>
        T.TryParse(file.Metadata.GetValueOrDefault(name), CultureInfo.InvariantCulture, out T? value) ? value
        : throw new CheckpointException(file.FilePath, $"'{name}' is '{file.Metadata.GetValueOrDefault(name)}' in its metadata; a number expected");
}
