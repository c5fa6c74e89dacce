namespace Engine.Training;

/// <summary>How a <see cref="BatchLoader"/> walks a dataset.</summary>
public sealed record BatchLoaderOptions
{
    /// <summary>Images a batch.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether each epoch has its own random order; otherwise it is the dataset's.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether a last batch that is not full is left out.</summary>
    public bool DropLast { get; init; }

    /// <summary>Decides orders and augmentations.</summary>
    public ulong Seed { get; init; }

    /// <summary>What is left to chance; null or <see cref="Augmentation.None"/> for evaluation.</summary>
    public Augmentation? Augmentation { get; init; }

    /// <summary>Background threads that decode, resize and normalise. Results do not depend on it.</summary>
    public int Threads { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Batches made ahead of the one that is used. Results do not depend on it.</summary>
    public int Prefetch { get; init; } = 2;
}
