namespace Engine.Training;

/// <summary>Another dataset's pictures, each corrupted in its own way that is the same whenever it is loaded; the masks stay.</summary>
/// <param name="source">Where the pictures come from.</param>
/// <param name="corruption">Which corruption.</param>
/// <param name="severity">1 to 5.</param>
/// <param name="size">
/// Scales the picture first, so that its shorter side is this and the corruption meets what the model sees; the mask keeps its
/// size, and with it the measure. Null corrupts the picture as loaded.
/// </param>
/// <param name="interpolation">The filter of that scaling.</param>
/// <param name="seed">Decides what is left to chance.</param>
public sealed class CorruptedSegmentation(
    ISegmentationDataset source, Corruption corruption, int severity, int? size = null, Interpolation interpolation = Interpolation.Bilinear, ulong seed = 0)
    : ISegmentationDataset
{
    /// <inheritdoc/>
    public int Count => source.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => source.ClassNames;

    /// <inheritdoc/>
    public string Name(int index) => source.Name(index);

    /// <summary>Loads a picture, corrupted, with its mask, which has the source's size even where the picture was scaled.</summary>
    /// <inheritdoc/>
    public SegmentationSample Load(int index)
    {
        var (image, mask) = source.Load(index);
        if (size is { } side)
        {
            var (width, height) = SegmentationAugmentation.ScaledSize(image, side);
            image = Resampler.Resize(image, width, height, interpolation);
        }
        return new SegmentationSample(Corruptions.Apply(image, corruption, severity, seed, index), mask);
    }
}
