namespace Engine.Training;

/// <summary>Some images of another dataset, under the same classes.</summary>
/// <param name="source">Where the images come from.</param>
/// <param name="indices">Which of them, in order.</param>
public sealed class DatasetSubset(IImageDataset source, IReadOnlyList<int> indices) : IImageDataset
{
    /// <inheritdoc/>
    public int Count => indices.Count;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => source.ClassNames;

    /// <inheritdoc/>
    public int Label(int index) => source.Label(indices[index]);

    /// <inheritdoc/>
    public RgbImage Load(int index) => source.Load(indices[index]);

    /// <inheritdoc/>
    public string Describe(int index) => source.Describe(indices[index]);

    /// <summary>
    /// Splits a dataset in two at random, the same fraction of each class: floor(fraction * n) of a class's n images are
    /// held out, at least one where the class has two or more. A function of the labels, the fraction and the seed.
    /// </summary>
    /// <param name="source">What is split.</param>
    /// <param name="fraction">How much is held out, between 0 and 1.</param>
    /// <param name="seed">Decides which images.</param>
    /// <returns>Both in the source's order.</returns>
    public static (DatasetSubset Training, DatasetSubset HeldOut) Split(IImageDataset source, double fraction, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!(fraction is > 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "Split: the fraction held out lies between 0 and 1.");
        var ofClass = new List<int>[source.ClassNames.Count];
        for (int label = 0; label < ofClass.Length; label++)
            ofClass[label] = [];
        for (int i = 0; i < source.Count; i++)
            ofClass[source.Label(i)].Add(i);

        List<int> training = [], heldOut = [];
        for (int label = 0; label < ofClass.Length; label++)
        {
            var members = ofClass[label];
            int held = Math.Max((int)(fraction * members.Count), members.Count > 1 ? 1 : 0);
            int[] order = RandomPurpose.Split.Stream(seed, 0, label).Permutation(members.Count);
            for (int i = 0; i < order.Length; i++)
                (i < held ? heldOut : training).Add(members[order[i]]);
        }
        training.Sort();
        heldOut.Sort();
        return (new DatasetSubset(source, training), new DatasetSubset(source, heldOut));
    }
}
