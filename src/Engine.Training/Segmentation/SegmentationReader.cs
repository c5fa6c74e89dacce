namespace Engine.Training;

/// <summary>Reads pictures and masks as they are, in order, on background threads: for measuring, where sizes differ.</summary>
/// <param name="dataset">Where they come from.</param>
/// <param name="threads">Background threads.</param>
sealed class SegmentationReader(ISegmentationDataset dataset, int threads = 1) : IEpochSource<SegmentationSample[]>
{
    readonly SegmentationLoaderOptions options = new() { BatchSize = 1, Threads = threads, Prefetch = 2 * threads };

    LoaderOptions IEpochSource<SegmentationSample[]>.Options => options;

    int IEpochSource<SegmentationSample[]>.BatchCount => dataset.Count;

    int[] IEpochSource<SegmentationSample[]>.Order(int epoch) => options.OrderOf(dataset.Count, epoch);

    public IEnumerable<SegmentationSample> Read(CancellationToken cancellation)
    {
        using var run = new EpochRun<SegmentationSample[]>(this, 0, 0);
        for (int number = 0; number < dataset.Count; number++)
            yield return run.Take(number, cancellation).Buffer[0];
    }

    SegmentationSample[] IEpochSource<SegmentationSample[]>.Rent() => new SegmentationSample[1];

    void IEpochSource<SegmentationSample[]>.GiveBack(SegmentationSample[] buffer) { }

    void IEpochSource<SegmentationSample[]>.Fill(SegmentationSample[] buffer, int slot, int index, int epoch) => buffer[slot] = dataset.Load(index);
}
