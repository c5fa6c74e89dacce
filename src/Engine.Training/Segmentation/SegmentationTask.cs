using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// Learning to name every pixel: cross-entropy over the pixels that are not ignored, of a <see cref="Segmenter"/>'s head and,
/// weighted, of its auxiliary head where it has one.
/// </summary>
public sealed class SegmentationTask : TrainingTask
{
    internal const string Hits = "pixel accuracy";

    readonly SegmentationLoader training;
    readonly ISegmentationDataset? validation;
    readonly SegmentationEvaluator evaluator;

    /// <summary>A task of a model on data of as many classes.</summary>
    /// <param name="model">The segmenter.</param>
    /// <param name="training">The pictures to learn from.</param>
    /// <param name="validation">Pictures to measure on after every epoch, or null.</param>
    /// <param name="evaluation">How they are measured; null for whole pictures.</param>
    /// <exception cref="ShapeException">Data and model have not the same number of classes.</exception>
    public SegmentationTask(Segmenter model, SegmentationLoader training, ISegmentationDataset? validation = null, SegmentationEvaluation? evaluation = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(training);
        foreach (var data in validation is null ? [training.Dataset] : (ISegmentationDataset[])[training.Dataset, validation])
            if (data.ClassNames.Count != model.Classes)
                throw new ShapeException($"The model tells {model.Classes} classes apart, the data have {data.ClassNames.Count}: load it with LoadOptions.Classes for a head that fits.");
        (Model, this.training, this.validation) = (model, training, validation);
        evaluator = new SegmentationEvaluator(model, training.Preprocessing, evaluation);
    }

    /// <inheritdoc/>
    public override Segmenter Model { get; }

    /// <inheritdoc/>
    public override int StepsPerEpoch => training.BatchCount;

    /// <inheritdoc/>
    public override string Unit => "img";

    /// <inheritdoc/>
    public override string HitName => Hits;

    /// <inheritdoc/>
    public override IEnumerable<TrainingBatch> Epoch(int epoch, int firstStep, CancellationToken cancellation) =>
        training.Epoch(epoch, firstStep, cancellation).Select(batch => new PictureBatch(Model, batch));

    /// <inheritdoc/>
    public override Measurement? Validate(CancellationToken cancellation) => validation is null ? null : evaluator.Run(validation, cancellation);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Text)> Description =>
    [
        .. RunDescription.Of(training),
        ("classes", string.Join(", ", training.Dataset.ClassNames)),
        ("model", Model.Architecture),
    ];

    /// <summary>Loss and hits of some pictures.</summary>
    /// <param name="model">The segmenter.</param>
    /// <param name="pixels">[B, 3, H, W]</param>
    /// <param name="labels">int32 [B, H, W]; <see cref="LabelMask.Ignored"/> counts nothing</param>
    /// <param name="counted">How many labels count.</param>
    /// <param name="labelSmoothing">The share of a label that is spread over all classes.</param>
    internal static StepResult Forward(Segmenter model, Tensor pixels, Tensor labels, int counted, float labelSmoothing)
    {
        CrossEntropyOptions options = new(LabelMask.Ignored, labelSmoothing);
        var (logits, auxiliary) = model.ForwardBoth(pixels);                                // [B, classes, H, W]
        var loss = Functions.CrossEntropy(logits, labels, options);
        if (auxiliary is { } beside)
            loss += Functions.CrossEntropy(beside, labels, options) * model.AuxiliaryWeight;
        // Counted now: backward gives the logits back. No class is numbered as the ignored label is.
        var hits = Elementwise.Compare(Comparison.Equal, Reduction.ArgMax(logits.Value, 1), labels).To(DType.Float32);
        return new StepResult(loss, Reduction.Sum(hits), counted);
    }

    sealed class PictureBatch(Segmenter model, SegmentationBatch batch) : TrainingBatch
    {
        public override int Count => batch.Count;

        public override StepResult Forward(float labelSmoothing)
        {
            var (pixels, labels) = batch.ToTensors(model.Device);
            return SegmentationTask.Forward(model, pixels, labels, batch.CountedPixels, labelSmoothing);
        }

        public override void Dispose()
        {
            batch.Dispose();
            base.Dispose();
        }
    }
}
