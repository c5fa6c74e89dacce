namespace Engine.Training;

/// <summary>
/// Labelled images by number. Implementations are safe to read from several threads at once, and image i is the same
/// whenever it is loaded.
/// </summary>
public interface IImageDataset
{
    /// <summary>How many images there are.</summary>
    int Count { get; }

    /// <summary>The classes' names; a label is a place in this list.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>The class of an image, without loading it.</summary>
    int Label(int index);

    /// <summary>Loads an image. It may be shared with other callers: do not write to it.</summary>
    /// <exception cref="ImageException">The image cannot be read.</exception>
    RgbImage Load(int index);

    /// <summary>What messages and reports call an image: a path, or how it was drawn.</summary>
    string Describe(int index);
}
