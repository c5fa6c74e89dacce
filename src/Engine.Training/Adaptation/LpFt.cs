using Engine.Autograd;
using Engine.Models;

namespace Engine.Training;

/// <summary>
/// Linear probing, then fine-tuning (LP-FT, Kumar et al. 2022): a head that fits from the start keeps fine-tuning from tearing
/// the features apart. The probe runs on cached features; the second phase takes its anchors anew, the head's at what the
/// probe found, unless it is excluded.
/// </summary>
/// <example><code>
/// LpFt phases = new(task, new TrainingOptions { LearningRate = 1e-2, Epochs = 20 });
/// phases.Probe();
/// Trainer trainer = new(task, options);
/// trainer.Fit();
/// </code></example>
/// <param name="task">The model and its images.</param>
/// <param name="options">How the head is trained: learning rate, epochs, optimizer.</param>
/// <param name="head">The parameters of the head, as patterns.</param>
public sealed class LpFt(ImageClassificationTask task, TrainingOptions options, IReadOnlyList<string>? head = null)
{
    readonly string[] head = [.. head ?? ["head.*"]];

    /// <summary>
    /// The first phase: computes the features of all images (without augmentation) and trains the head on them. What was
    /// trainable before is so again afterwards, for the second phase.
    /// </summary>
    /// <param name="progress">Hears what happens.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <returns>How well the probe does on the validation images; null without any.</returns>
    public Measurement? Probe(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ImageClassifier model = task.Model;
        Dictionary<Parameter, bool> before = model.Parameters.ToDictionary(parameter => parameter, parameter => parameter.Trainable);
        try
        {
            FeatureSet training = Features(task.Training, progress, cancellation);
            FeatureSet? validation = task.Validation is null ? null : Features(task.Validation, progress, cancellation);
            LinearProbeTask probe = new(model, training, validation, task.Training.Options.BatchSize, task.Training.Options.Seed);
            Trainer trainer = new(probe, options with { TrainOnly = head, Freeze = [], AnchorExclude = [] });
            Measurement? measured = null;
            trainer.EpochFinished += (_, result) => measured = result;
            trainer.Fit(progress, cancellation, "linear probe");
            return measured;
        }
        finally
        {
            foreach (var (parameter, trainable) in before) parameter.Trainable = trainable;
            Settle();
        }
    }

    /// <summary>Marks the head as one that has been learned, so that it has an anchor: <see cref="Probe"/> does it, and a run that is resumed in the second phase.</summary>
    public void Settle()
    {
        foreach (string pattern in head)
            foreach (Parameter parameter in task.Model.Parameters)
                if (System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, parameter.Name, ignoreCase: false)) parameter.IsFresh = false;
    }

    FeatureSet Features(BatchLoader images, IProgress<TrainingProgress>? progress, CancellationToken cancellation) =>
        FeatureSet.Of(task.Model, images.Dataset, images.Preprocessing, images.Options.BatchSize, progress, cancellation);
}
