using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// A linear probe: the head alone learns, from features that were computed once (<see cref="FeatureSet"/>). A step is one
/// product of [batch, D] with the head's weight, whatever the size of the model.
/// </summary>
/// <param name="model">The classifier whose head is trained; the rest is not looked at. Train it with <see cref="TrainingOptions.TrainOnly"/> <c>head.*</c>.</param>
/// <param name="training">What the head learns from.</param>
/// <param name="validation">What it is measured on, or null.</param>
/// <param name="batch">Images a batch.</param>
/// <param name="seed">Decides the order.</param>
public sealed class LinearProbeTask(ImageClassifier model, FeatureSet training, FeatureSet? validation = null, int batch = 64, ulong seed = 1) : TrainingTask
{
    readonly BatchLoaderOptions order = new() { BatchSize = Math.Min(batch, training.Count), Shuffle = true, DropLast = true, Seed = seed };

    /// <inheritdoc/>
    public override ImageClassifier Model => model;

    /// <inheritdoc/>
    public override int StepsPerEpoch => order.BatchesOf(training.Count);

    /// <inheritdoc/>
    public override string Unit => "img";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Text)> Description =>
    [
        ("batch size", $"{order.BatchSize}"),
        ("image order", $"shuffled, seed {seed}"),
        ("augmentation", "none, cached features"),
        ("training images", $"{training.Count}"),
        ("classes", string.Join(", ", training.ClassNames)),
        ("model", model.Architecture),
    ];

    /// <inheritdoc/>
    public override IEnumerable<TrainingBatch> Epoch(int epoch, int firstStep, CancellationToken cancellation)
    {
        int[] images = order.OrderOf(training.Count, epoch);
        for (int step = firstStep; step < StepsPerEpoch; step++)
            yield return new FeatureBatch(model, training, images.AsMemory(step * order.BatchSize, order.BatchSize));
    }

    /// <inheritdoc/>
    public override Measurement? Validate(CancellationToken cancellation)
    {
        if (validation is null) return null;
        Stopwatch clock = Stopwatch.StartNew();
        using Tape.Pause pause = Tape.NoGradient();
        using StepScope scope = StepScope.Begin();
        Tensor logits = model.Classify(validation.Features).Value;                       // [N, classes]
        int[] predicted = Reduction.ArgMax(logits, -1).ToArray<int>(), actual = validation.Labels.ToArray<int>();
        int[] confusion = new int[validation.ClassNames.Count * validation.ClassNames.Count];
        for (int i = 0; i < actual.Length; i++) confusion[actual[i] * validation.ClassNames.Count + predicted[i]]++;
        return new ClassificationResult(validation.ClassNames, confusion, Functions.CrossEntropy(logits, validation.Labels).Value.Item(), clock.Elapsed);
    }

    sealed class FeatureBatch(ImageClassifier model, FeatureSet features, ReadOnlyMemory<int> images) : TrainingBatch
    {
        public override int Count => images.Length;

        public override StepResult Forward(float labelSmoothing)
        {
            Tensor index = Tensor.From(images.Span, [images.Length], model.Device);
            Tensor seen = Indexing.IndexSelect(features.Features, 0, index), labels = Indexing.IndexSelect(features.Labels, 0, index);
            return ImageClassificationTask.Judge(model.Classify(seen), labels, labelSmoothing);
        }
    }
}
