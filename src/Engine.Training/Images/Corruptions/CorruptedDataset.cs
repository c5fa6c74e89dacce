namespace Engine.Training;

/// <summary>Another dataset's images, each corrupted in its own way that is the same whenever it is loaded.</summary>
/// <param name="source">Where the images come from.</param>
/// <param name="corruption">Which corruption.</param>
/// <param name="severity">1 to 5.</param>
/// <param name="prepare">
/// Resizes and crops first, so that the corruption meets the model's input as it does in ImageNet-C, whatever the size of the
/// file; the loader then takes the images as they are, with <see cref="AsPrepared"/>. Null corrupts the images as loaded.
/// </param>
/// <param name="seed">Decides what is left to chance.</param>
public sealed class CorruptedDataset(
    IImageDataset source, Corruption corruption, int severity, Preprocessing? prepare = null, ulong seed = 0) : IImageDataset
{
    /// <inheritdoc/>
    public int Count => source.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => source.ClassNames;

    /// <inheritdoc/>
    public int Label(int index) => source.Label(index);

    /// <inheritdoc/>
    public RgbImage Load(int index)
    {
        var image = source.Load(index);
        return Corruptions.Apply(prepare?.Prepare(image) ?? image, corruption, severity, seed, index);
    }

    /// <inheritdoc/>
    public string Describe(int index) => $"{source.Describe(index)} under {corruption.Word()} {severity}";

    /// <summary>The same normalisation for images that have the input's size already.</summary>
    public static Preprocessing AsPrepared(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        return preprocessing with { CropFraction = 1, CropMode = CropMode.Squash };
    }
}
