using System.Collections.Concurrent;

namespace Engine.Training;

/// <summary>
/// Turns a dataset into batches, in the background while the model computes. The order of epoch e is a function of
/// (seed, e), a sample's augmentation one of (seed, e, its number in the dataset): batches are the same whatever the
/// threads and the prefetch, and a run resumed in the middle of an epoch sees what it would have seen.
/// </summary>
/// <example>
/// <code>
/// for (int epoch = 0; epoch &lt; epochs; epoch++)
///     foreach (var batch in loader.Epoch(epoch))
///         using (batch)
///             Step(batch.Pixels, batch.Labels);
/// </code>
/// </example>
public sealed class BatchLoader : IEpochSource<BatchBuffer>
{
    readonly ConcurrentBag<BatchBuffer> pool = [];
    readonly Normalizer normalizer;

    /// <summary>Prepares; no thread runs before an epoch is begun.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or the dataset gives no batch.</exception>
    public BatchLoader(IImageDataset dataset, Preprocessing preprocessing, BatchLoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(preprocessing);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (preprocessing.Fault() is { } fault)
            throw new ArgumentException($"BatchLoader: {fault}.", nameof(preprocessing));
        Dataset = dataset;
        Preprocessing = preprocessing;
        Options = options;
        normalizer = new Normalizer(preprocessing.Mean, preprocessing.Std);
        if (BatchCount == 0)
            throw new ArgumentException($"BatchLoader: {dataset.Count} images give no batch of {options.BatchSize}.", nameof(dataset));
    }

    /// <summary>Where the images come from.</summary>
    public IImageDataset Dataset { get; }

    /// <summary>How an image becomes an input.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>How the dataset is walked.</summary>
    public BatchLoaderOptions Options { get; }

    /// <summary>Batches an epoch.</summary>
    public int BatchCount => Options.BatchesOf(Dataset.Count);

    /// <summary>The images of an epoch, in order, as numbers in the dataset.</summary>
    public int[] Order(int epoch) => Options.OrderOf(Dataset.Count, epoch);

    LoaderOptions IEpochSource<BatchBuffer>.Options => Options;

    /// <summary>
    /// The batches of an epoch. Threads start with the first batch asked for and stop when the last was handed out, the
    /// loop is left, or it throws. Several epochs may run at once.
    /// </summary>
    /// <param name="epoch">Which epoch, from 0; decides the order and the augmentations.</param>
    /// <param name="firstBatch">Where to begin, for a run that is resumed.</param>
    /// <param name="cancellationToken">Stops the wait for a batch.</param>
    /// <exception cref="ImageException">An image cannot be read; the earliest one of its batch is named.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IEnumerable<Batch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchCount);
        return Run();

        IEnumerable<Batch> Run()
        {
            using var run = new EpochRun<BatchBuffer>(this, epoch, firstBatch);
            for (int number = firstBatch; number < BatchCount; number++)
            {
                var (buffer, count) = run.Take(number, cancellationToken);
                yield return new Batch(buffer, number, count, Preprocessing.Size, pool.Add);
            }
        }
    }

    /// <summary>Fills one place of a batch.</summary>
    void IEpochSource<BatchBuffer>.Fill(BatchBuffer buffer, int slot, int index, int epoch)
    {
        var image = Dataset.Load(index);
        var random = new Tensors.PhiloxSequence(RandomPurpose.Augment.Stream(Options.Seed, epoch, index));
        var prepared = Options.Augmentation is { } augmentation
            ? augmentation.Apply(image, Preprocessing, ref random)
            : Preprocessing.Prepare(image);
        int length = Preprocessing.PixelCount;
        normalizer.Write(prepared, buffer.Pixels.AsSpan(slot * length, length));
        buffer.Labels[slot] = Dataset.Label(index);
        buffer.Indices[slot] = index;
    }

    BatchBuffer IEpochSource<BatchBuffer>.Rent() =>
        pool.TryTake(out var buffer) ? buffer : new BatchBuffer(Options.BatchSize, Preprocessing.PixelCount);

    /// <summary>Buffers that wait to be used again.</summary>
    internal int Pooled => pool.Count;

    void IEpochSource<BatchBuffer>.GiveBack(BatchBuffer buffer) => pool.Add(buffer);
}
