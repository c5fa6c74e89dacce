namespace Engine.Training;

/// <summary>
/// Keeps decoded images of another dataset in memory, each from the first time it is loaded, until a limit is reached;
/// the rest is loaded anew each time. For small sets, where decoding would cost more than the model.
/// </summary>
/// <param name="source">Where the images come from.</param>
/// <param name="maxBytes">The most pixels kept, in bytes.</param>
public sealed class CachedDataset(IImageDataset source, long maxBytes = 1L << 30) : IImageDataset
{
    readonly RgbImage?[] images = new RgbImage?[source.Count];
    long bytes;

    /// <summary>Bytes of pixels kept now.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <inheritdoc/>
    public int Count => source.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => source.ClassNames;

    /// <inheritdoc/>
    public int Label(int index) => source.Label(index);

    /// <inheritdoc/>
    public string Describe(int index) => source.Describe(index);

    /// <inheritdoc/>
    public RgbImage Load(int index)
    {
        if (Volatile.Read(ref images[index]) is { } kept)
            return kept;
        var image = source.Load(index);
        int size = image.Pixels.Length;
        if (Interlocked.Add(ref bytes, size) > maxBytes)
        {
            Interlocked.Add(ref bytes, -size);
            return image;
        }
        // Two threads may load the same image at once; the first one's is kept.
        if (Interlocked.CompareExchange(ref images[index], image, null) is { } other)
        {
            Interlocked.Add(ref bytes, -size);
            return other;
        }
        return image;
    }
}
