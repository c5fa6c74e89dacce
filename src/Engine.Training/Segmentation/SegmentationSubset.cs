namespace Engine.Training;

/// <summary>Some pictures of another dataset, under the same classes.</summary>
/// <param name="source">Where the pictures come from.</param>
/// <param name="indices">Which of them, in order.</param>
public sealed class SegmentationSubset(ISegmentationDataset source, IReadOnlyList<int> indices) : ISegmentationDataset
{
    /// <inheritdoc/>
    public int Count => indices.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => source.ClassNames;

    /// <inheritdoc/>
    public SegmentationSample Load(int index) => source.Load(indices[index]);

    /// <inheritdoc/>
    public string Name(int index) => source.Name(indices[index]);

    /// <summary>Splits a dataset in two at random: floor(fraction * n) of its n pictures are held out, at least one where there are two or more.</summary>
    /// <param name="source">What is split.</param>
    /// <param name="fraction">How much is held out, between 0 and 1.</param>
    /// <param name="seed">Decides which pictures.</param>
    /// <returns>Both in the source's order.</returns>
    public static (SegmentationSubset Training, SegmentationSubset HeldOut) Split(ISegmentationDataset source, double fraction, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!(fraction is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "Split: the fraction held out lies between 0 and 1.");
        int held = Math.Max((int)(fraction * source.Count), source.Count > 1 ? 1 : 0);
        int[] order = RandomPurpose.Split.Stream(seed, 0, 0).Permutation(source.Count);
        return (new SegmentationSubset(source, [.. order[held..].Order()]), new SegmentationSubset(source, [.. order[..held].Order()]));
    }
}
