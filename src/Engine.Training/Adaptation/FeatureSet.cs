using Engine.Autograd;
using Engine.Models;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>
/// What a frozen model sees of every image of a dataset, computed once: training its head on them costs next to nothing. Each
/// image is seen as in evaluation; there is no augmentation and no dropout.
/// </summary>
public sealed class FeatureSet
{
    FeatureSet(Tensor features, Tensor labels, IReadOnlyList<string> classNames) => (Features, Labels, ClassNames) = (features, labels, classNames);

    /// <summary>[N, D], in the order of the dataset.</summary>
    public Tensor Features { get; }

    /// <summary>int32 [N]</summary>
    public Tensor Labels { get; }

    /// <summary>The classes' names.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>How many images.</summary>
    public int Count => Labels.Shape[0];

    /// <summary>Runs the model over a dataset.</summary>
    /// <param name="model">The model; it is left in evaluation mode.</param>
    /// <param name="images">The images.</param>
    /// <param name="preprocessing">How they become its input.</param>
    /// <param name="batch">Images at a time.</param>
    /// <param name="progress">Hears what happens.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    public static FeatureSet Of(
        ImageClassifier model, IImageDataset images, Preprocessing preprocessing, int batch = 64, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        BatchLoader loader = new(images, preprocessing, new BatchLoaderOptions { BatchSize = Math.Min(batch, Math.Max(images.Count, 1)) });
        ProgressMeter meter = new("features", loader.BatchCount, 1, progress);
        Tensor? features = null;
        int[] labels = new int[images.Count];
        int done = 0;
        using Tape.Pause pause = Tape.NoGradient();
        model.Evaluate();
        foreach (Batch next in loader.Epoch(0, 0, cancellation))
        {
            using StepScope step = StepScope.Begin();
            using (next)
            {
                Tensor seen = model.Features(next.ToTensors(model.Device).Pixels).Value;     // [B, D]
                features ??= Outside(() => Tensor.Empty([images.Count, seen.Shape[1]], seen.DType, model.Device));
                features.Slice(0, done, done + next.Count).CopyFrom(seen);
                next.Labels.CopyTo(labels.AsSpan(done));
                done += next.Count;
            }

            if (meter.Count(next.Count) || done == images.Count) meter.Report(next.Number + 1, 1, double.NaN, double.NaN, 0);
        }

        return new(features!, Outside(() => Tensor.From<int>(labels, [labels.Length], model.Device)), images.ClassNames);
    }

    static Tensor Outside(Func<Tensor> make)
    {
        using StepScope outside = StepScope.Outside();
        return make();
    }
}
