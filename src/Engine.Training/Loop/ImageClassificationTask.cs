using System.Globalization;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Learning to name what an image shows: cross-entropy over the classes of any <see cref="ImageClassifier"/>.</summary>
/// <param name="model">The classifier.</param>
/// <param name="training">The images to learn from.</param>
/// <param name="validation">Images to measure on after every epoch, or null.</param>
public sealed class ImageClassificationTask(ImageClassifier model, BatchLoader training, BatchLoader? validation = null) : TrainingTask
{
    /// <inheritdoc/>
    public override ImageClassifier Model { get; } = Checked(model, training, validation);

    /// <summary>The images to learn from.</summary>
    public BatchLoader Training => training;

    /// <summary>Images to measure on, or null.</summary>
    public BatchLoader? Validation => validation;

    /// <inheritdoc/>
    public override int StepsPerEpoch => training.BatchCount;

    /// <inheritdoc/>
    public override string Unit => "img";

    /// <inheritdoc/>
    public override IEnumerable<TrainingBatch> Epoch(int epoch, int firstStep, CancellationToken cancellation) =>
        training.Epoch(epoch, firstStep, cancellation).Select(batch => new ImageBatch(Model, batch));

    /// <inheritdoc/>
    public override Measurement? Validate(CancellationToken cancellation) => validation is null ? null : Evaluator.Run(Model, validation, cancellation);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Text)> Description =>
    [
        .. RunDescription.Of(training),
        ("classes", string.Join(", ", training.Dataset.ClassNames)),
        ("model", Model.Architecture),
    ];

    /// <summary>Loss and hits of some images.</summary>
    /// <param name="model">The classifier.</param>
    /// <param name="pixels">[B, C, S, S]</param>
    /// <param name="labels">int32 [B]</param>
    /// <param name="labelSmoothing">The share of a label that is spread over all classes.</param>
    internal static StepResult Forward(ImageClassifier model, Tensor pixels, Tensor labels, float labelSmoothing) =>
        Judge(model.Forward(pixels), labels, labelSmoothing);

    /// <summary>Loss and hits of some logits.</summary>
    /// <param name="logits">[B, classes]</param>
    /// <param name="labels">int32 [B]</param>
    /// <param name="labelSmoothing">The share of a label that is spread over all classes.</param>
    internal static StepResult Judge(Variable logits, Tensor labels, float labelSmoothing)
    {
        Variable loss = Functions.CrossEntropy(logits, labels, new CrossEntropyOptions(LabelSmoothing: labelSmoothing));
        // Counted now: backward gives the logits back.
        Tensor hits = Elementwise.Compare(Comparison.Equal, Reduction.ArgMax(logits.Value, -1), labels).To(DType.Float32);
        return new(loss, Reduction.Sum(hits), labels.Shape[0]);
    }

    static ImageClassifier Checked(ImageClassifier model, BatchLoader training, BatchLoader? validation)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(training);
        foreach (BatchLoader loader in validation is null ? [training] : (BatchLoader[])[training, validation])
        {
            if (loader.Dataset.ClassNames.Count != model.Classes)
                throw new ShapeException(string.Create(CultureInfo.InvariantCulture,
                    $"The model tells {model.Classes} classes apart, the data have {loader.Dataset.ClassNames.Count}: load it with LoadOptions.Classes for a head that fits."));
            if (loader.Preprocessing.Size != model.ImageSize)
                throw new ShapeException(string.Create(CultureInfo.InvariantCulture,
                    $"The model takes images of {model.ImageSize} pixels, the loader gives {loader.Preprocessing.Size}: set the preprocessing's size, or LoadOptions.ImageSize."));
        }

        return model;
    }

    sealed class ImageBatch(ImageClassifier model, Batch batch) : TrainingBatch
    {
        public override int Count => batch.Count;

        public override StepResult Forward(float labelSmoothing)
        {
            (Tensor pixels, Tensor labels) = batch.ToTensors(model.Device);
            return ImageClassificationTask.Forward(model, pixels, labels, labelSmoothing);
        }

        public override void Dispose()
        {
            batch.Dispose();
            base.Dispose();
        }
    }
}
