using System.Text;

namespace Engine.Training;

/// <summary>
/// Pictures and masks in the form of PASCAL VOC (Everingham et al. 2010): <c>JPEGImages/NAME.jpg</c> (or .jpeg, .png, .bmp),
/// <c>SegmentationClass/NAME.png</c>, and a list of names, one a line, for each split:
/// <c>ImageSets/Segmentation/train.txt</c>. The classes are those of <c>classes.txt</c>, one a line, or of
/// <c>class_names.json</c>, in the folder; without either they are PASCAL's twenty-one.
/// </summary>
public sealed class PascalFolder : ISegmentationDataset
{
    /// <summary>PASCAL VOC's classes, in the order of its labels.</summary>
    public static IReadOnlyList<string> VocClasses { get; } =
    [
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
        "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    ];

    /// <summary>The folders and the file of the form.</summary>
    public const string Pictures = "JPEGImages", Masks = "SegmentationClass", ClassesFile = "classes.txt";

    static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp"];

    readonly string[] names, pictures, masks;

    /// <summary>Reads the list of a split and finds its files; none is opened yet.</summary>
    /// <param name="folder">The folder that holds <c>JPEGImages</c> and the rest.</param>
    /// <param name="split">The list's name: <c>train</c>, <c>val</c>.</param>
    /// <param name="classNames">The classes to expect, for a model that knows its own; null takes the folder's.</param>
    /// <exception cref="DatasetException">
    /// No such folder or list, an empty list, a name twice or without picture or mask, or no list of classes that can be read.
    /// </exception>
    public PascalFolder(string folder, string split, IReadOnlyList<string>? classNames = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(split);
        Folder = folder;
        if (!Directory.Exists(folder))
            throw new DatasetException(folder, File.Exists(folder) ? "this is a file; expected a folder with JPEGImages, SegmentationClass and ImageSets/Segmentation" : "no such folder");
        foreach (string part in (ReadOnlySpan<string>)[Pictures, Masks])
            if (!Directory.Exists(Path.Combine(folder, part)))
                throw new DatasetException(folder, $"no folder {part}; expected JPEGImages/NAME.jpg, SegmentationClass/NAME.png and ImageSets/Segmentation/{split}.txt");
        ClassNames = classNames ?? ReadClasses(folder);
        string list = ListPath(folder, split);
        names = ReadNames(list);
        pictures = new string[names.Length];
        masks = new string[names.Length];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < names.Length; i++)
        {
            string name = names[i];
            if (!seen.Add(name))
                throw new DatasetException(list, $"'{name}' is listed twice; remove one of the lines");
            pictures[i] = Extensions.Select(extension => Path.Combine(folder, Pictures, name + extension)).FirstOrDefault(File.Exists)
                ?? throw new DatasetException(list, $"'{name}' has no picture {Path.Combine(folder, Pictures, name)}.jpg (nor {string.Join(", ", Extensions[1..])}); add it or remove the line");
            masks[i] = Path.Combine(folder, Masks, name + ".png");
            if (!File.Exists(masks[i]))
                throw new DatasetException(list, $"'{name}' has no mask {masks[i]}; add it or remove the line");
        }
    }

    /// <summary>The folder that holds it all.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public int Count => names.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Name(int index) => names[index];

    /// <summary>Where the list of a split is.</summary>
    public static string ListPath(string folder, string split) => Path.Combine(folder, "ImageSets", "Segmentation", split + ".txt");

    /// <summary>Whether a folder has the form, so that a program that is given a folder knows what it is.</summary>
    public static bool IsOne(string folder) =>
        Directory.Exists(Path.Combine(folder, Masks)) && Directory.Exists(Path.Combine(folder, Pictures));

    /// <inheritdoc/>
    public SegmentationSample Load(int index)
    {
        var image = ImageDecoder.Decode(pictures[index]);
        var mask = IndexedPng.Load(masks[index]);
        if (mask.Width != image.Width || mask.Height != image.Height)
            throw new DatasetException(masks[index], $"the mask is {mask.Width}x{mask.Height}, its picture {pictures[index]} is {image.Width}x{image.Height}; they must be of one size");
        CheckLabels(mask, masks[index], ClassNames.Count);
        return new SegmentationSample(image, mask);
    }

    static void CheckLabels(LabelMask mask, string path, int classes)
    {
        for (int i = 0; i < mask.Labels.Length; i++)
            if (mask.Labels[i] is var label && label >= classes && label != LabelMask.Ignored)
                throw new DatasetException(path, $"label {label} at column {i % mask.Width}, row {i / mask.Width}, but there are {classes} classes (0 to {classes - 1}; {LabelMask.Ignored} is ignored); name them all in {ClassesFile}, or mend the mask");
    }

    static string[] ReadNames(string list)
    {
        string[] lines = ReadLines(list, "no such list; it names the split's pictures, one a line, without extension");
        if (lines.Length == 0)
            throw new DatasetException(list, "the list is empty; name pictures, one a line, without extension");
        foreach (string name in lines)
            if (name.AsSpan().IndexOfAny("/\\") >= 0 || name is "." or "..")
                throw new DatasetException(list, $"'{name}' is a path; expected a picture's name without folder and extension");
        return lines;
    }

    static IReadOnlyList<string> ReadClasses(string folder)
    {
        string text = Path.Combine(folder, ClassesFile), json = Path.Combine(folder, ClassifierFiles.ClassNamesFile);
        if (File.Exists(text))
            return Checked(ReadLines(text, "no such file"), text);
        if (File.Exists(json))
            return Checked([.. ClassifierFiles.ReadClassNames(folder)!], json);
        return VocClasses;

        static string[] Checked(string[] names, string path) => names.Length is >= 2 and <= LabelMask.MaxClasses
            ? names : throw new DatasetException(path, $"{names.Length} classes; expected 2 to {LabelMask.MaxClasses}, one a line");
    }

    static string[] ReadLines(string path, string missing)
    {
        try
        {
            return [.. File.ReadAllLines(path, Encoding.UTF8).Select(line => line.Trim()).Where(line => line.Length > 0)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(path, exception is FileNotFoundException or DirectoryNotFoundException
                ? missing : $"cannot be read ({exception.Message.TrimEnd('.')})", exception);
        }
    }
}
