using System.Collections.Concurrent;
using Engine.Tensors;

namespace Engine.Training;

/// <summary>How a <see cref="SegmentationLoader"/> walks a dataset.</summary>
public sealed record SegmentationLoaderOptions : LoaderOptions
{
    /// <summary>What is left to chance; null for <see cref="SegmentationAugmentation.None"/>.</summary>
    public SegmentationAugmentation? Augmentation { get; init; }
}

/// <summary>
/// Turns pictures with masks into batches of one size, in the background while the model computes, by the same rules as
/// <see cref="BatchLoader"/>: order and augmentation are functions of seed, epoch and a sample's number, never of threads.
/// </summary>
public sealed class SegmentationLoader : IEpochSource<SegmentationBuffer>
{
    readonly ConcurrentBag<SegmentationBuffer> pool = [];
    readonly Normalizer normalizer;

    /// <summary>Prepares; no thread runs before an epoch is begun.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or the dataset gives no batch.</exception>
    public SegmentationLoader(ISegmentationDataset dataset, Preprocessing preprocessing, SegmentationLoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(preprocessing);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (preprocessing.Fault() is { } fault)
            throw new ArgumentException($"SegmentationLoader: {fault}.", nameof(preprocessing));
        (Dataset, Preprocessing, Options) = (dataset, preprocessing, options);
        normalizer = new Normalizer(preprocessing.Mean, preprocessing.Std);
        if (BatchCount == 0)
            throw new ArgumentException($"SegmentationLoader: {dataset.Count} pictures give no batch of {options.BatchSize}.", nameof(dataset));
    }

    /// <summary>Where the pictures come from.</summary>
    public ISegmentationDataset Dataset { get; }

    /// <summary>The input's size, filter and normalisation; the crop fraction plays no part.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>How the dataset is walked.</summary>
    public SegmentationLoaderOptions Options { get; }

    /// <summary>Batches an epoch.</summary>
    public int BatchCount => Options.BatchesOf(Dataset.Count);

    /// <summary>The pictures of an epoch, in order, as numbers in the dataset.</summary>
    public int[] Order(int epoch) => Options.OrderOf(Dataset.Count, epoch);

    LoaderOptions IEpochSource<SegmentationBuffer>.Options => Options;

    /// <summary>The batches of an epoch; see <see cref="BatchLoader.Epoch"/>.</summary>
    /// <param name="epoch">Which epoch, from 0; decides the order and the augmentations.</param>
    /// <param name="firstBatch">Where to begin, for a run that is resumed.</param>
    /// <param name="cancellationToken">Stops the wait for a batch.</param>
    /// <exception cref="ImageException">A file cannot be read; the earliest one of its batch is named.</exception>
    /// <exception cref="DatasetException">A picture and its mask do not fit.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IEnumerable<SegmentationBatch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchCount);
        return Run();

        IEnumerable<SegmentationBatch> Run()
        {
            using var run = new EpochRun<SegmentationBuffer>(this, epoch, firstBatch);
            for (int number = firstBatch; number < BatchCount; number++)
            {
                var (buffer, count) = run.Take(number, cancellationToken);
                yield return new SegmentationBatch(buffer, number, count, Preprocessing.Size, pool.Add);
            }
        }
    }

    SegmentationBuffer IEpochSource<SegmentationBuffer>.Rent() =>
        pool.TryTake(out var buffer) ? buffer : new SegmentationBuffer(Options.BatchSize, Preprocessing.Size);

    void IEpochSource<SegmentationBuffer>.GiveBack(SegmentationBuffer buffer) => pool.Add(buffer);

    void IEpochSource<SegmentationBuffer>.Fill(SegmentationBuffer buffer, int slot, int index, int epoch)
    {
        var random = new PhiloxSequence(RandomPurpose.Augment.Stream(Options.Seed, epoch, index));
        var (image, mask) = (Options.Augmentation ?? SegmentationAugmentation.None).Apply(Dataset.Load(index), Preprocessing, ref random);
        int length = Preprocessing.PixelCount;
        normalizer.Write(image, buffer.Pixels.AsSpan(slot * length, length));
        var labels = buffer.Labels.AsSpan(slot * mask.Labels.Length, mask.Labels.Length);
        for (int i = 0; i < labels.Length; i++)
            labels[i] = mask.Labels[i];
        buffer.Indices[slot] = index;
    }
}
