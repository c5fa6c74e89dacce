namespace Engine.Training;

/// <summary>How a loader walks a dataset, whatever is in it.</summary>
public abstract record LoaderOptions
{
    /// <summary>Images a batch.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether each epoch has its own random order; otherwise it is the dataset's.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether a last batch that is not full is left out.</summary>
    public bool DropLast { get; init; }

    /// <summary>Decides orders and augmentations.</summary>
    public ulong Seed { get; init; }

    /// <summary>Background threads that decode, resize and normalise. Results do not depend on it.</summary>
    public int Threads { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Batches made ahead of the one that is used. Results do not depend on it.</summary>
    public int Prefetch { get; init; } = 2;

    /// <summary>Batches an epoch over so many samples.</summary>
    internal int BatchesOf(int count) => DropLast ? count / BatchSize : (count + BatchSize - 1) / BatchSize;

    /// <summary>The order of an epoch over so many samples: a function of the seed and the epoch.</summary>
    internal int[] OrderOf(int count, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        if (Shuffle)
            return RandomPurpose.Shuffle.Stream(Seed, 0, epoch).Permutation(count);
        var order = new int[count];
        for (int i = 0; i < order.Length; i++)
            order[i] = i;
        return order;
    }

    /// <summary>Throws where a value is out of range.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(BatchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Threads);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Prefetch);
    }
}

/// <summary>How a <see cref="BatchLoader"/> walks a dataset.</summary>
public sealed record BatchLoaderOptions : LoaderOptions
{
    /// <summary>What is left to chance; null or <see cref="Augmentation.None"/> for evaluation.</summary>
    public Augmentation? Augmentation { get; init; }
}
