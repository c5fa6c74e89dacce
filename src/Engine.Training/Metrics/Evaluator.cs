using System.Diagnostics;
using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>Measures a classifier on a set of images.</summary>
public static class Evaluator
{
    /// <summary>Accuracy, confusion and loss over one pass, without gradients and with dropout off.</summary>
    /// <param name="model">The classifier; it is left in evaluation mode.</param>
    /// <param name="images">The images, in any order.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <param name="progress">Hears what happens.</param>
    /// <exception cref="ShapeException">Data and model have not the same number of classes.</exception>
    public static ClassificationResult Run(
        ImageClassifier model, BatchLoader images, CancellationToken cancellation = default, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        Stopwatch clock = Stopwatch.StartNew();
        IReadOnlyList<string> classes = images.Dataset.ClassNames;
        int[] confusion = new int[classes.Count * classes.Count];
        double lossSum = 0;
        int seen = 0, hits = 0;
        if (model.Classes != classes.Count)
            throw new ShapeException($"The model tells {model.Classes} classes apart, the data have {classes.Count}: evaluate on the classes it was trained on.");
        ProgressMeter meter = new("evaluating", images.BatchCount, 1, progress);
        using Tape.Pause pause = Tape.NoGradient();
        model.Evaluate();
        foreach (Batch batch in images.Epoch(0, 0, cancellation))
        {
            using StepScope step = StepScope.Begin();
            using (batch)
            {
                (Tensor pixels, Tensor labels) = batch.ToTensors(model.Device);
                Tensor logits = model.Forward(pixels).Value;                          // [B, classes]
                lossSum += Functions.CrossEntropy(logits, labels).Value.Item() * (double)batch.Count;
                int[] predicted = Reduction.ArgMax(logits, -1).ToArray<int>();
                ReadOnlySpan<int> actual = batch.Labels;
                for (int i = 0; i < predicted.Length; i++)
                {
                    confusion[actual[i] * classes.Count + predicted[i]]++;
                    if (actual[i] == predicted[i]) hits++;
                }

                seen += batch.Count;
            }

            if (meter.Count(batch.Count) || batch.Number + 1 == images.BatchCount) meter.Report(batch.Number + 1, 1, lossSum / seen, (double)hits / seen, 0);
        }

        return new(classes, confusion, lossSum / seen, clock.Elapsed);
    }
}
