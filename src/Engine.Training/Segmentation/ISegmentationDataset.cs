namespace Engine.Training;

/// <summary>
/// Pictures with a class for every pixel, by number. Implementations are safe to read from several threads at once, and
/// sample i is the same whenever it is loaded.
/// </summary>
public interface ISegmentationDataset
{
    /// <summary>How many pictures there are.</summary>
    int Count { get; }

    /// <summary>The classes' names, at most 255; a label is a place in this list or <see cref="LabelMask.Ignored"/>.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>Loads a picture with its mask, of the same size. They may be shared with other callers: do not write to them.</summary>
    /// <exception cref="ImageException">A file cannot be read.</exception>
    /// <exception cref="DatasetException">Picture and mask do not fit, or a label is no class.</exception>
    SegmentationSample Load(int index);

    /// <summary>What messages and reports call a picture, and what files written for it are called: a name without folders.</summary>
    string Name(int index);
}

/// <summary>A picture and the class of each of its pixels.</summary>
/// <param name="Image">[H, W, 3]</param>
/// <param name="Mask">[H, W]</param>
public readonly record struct SegmentationSample(RgbImage Image, LabelMask Mask);
