namespace Engine.Training;

/// <summary>
/// Images in one folder per class, as torchvision's <c>ImageFolder</c>: classes are the sub-folders in ordinal order of
/// their names, a class's images are all .jpg, .jpeg, .png and .bmp files below its folder, in ordinal order of their
/// paths. Hidden files and folders are passed over.
/// </summary>
public sealed class ImageFolder : IImageDataset
{
    static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp"];
    const string ExpectedLayout = "expected one folder a class, such as cats/1.jpg and dogs/1.jpg";

    readonly string[] paths;
    readonly int[] labels;

    /// <summary>Lists the images; none is opened yet.</summary>
    /// <param name="folder">The folder that holds the classes' folders.</param>
    /// <param name="classNames">
    /// The classes to expect, so that a validation folder has the training folder's labels; null takes the folders' names.
    /// </param>
    /// <exception cref="DatasetException">
    /// No such folder, no class folders, a class without images, or classes other than those expected.
    /// </exception>
    public ImageFolder(string folder, IReadOnlyList<string>? classNames = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Folder = folder;
        if (!Directory.Exists(folder))
            throw new DatasetException(folder, File.Exists(folder) ? $"this is a file; {ExpectedLayout}" : "no such folder");
        try
        {
            ClassNames = Classes(folder, classNames);
            (paths, labels) = List(folder, ClassNames);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(folder, $"cannot be listed ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>The folder that holds the classes' folders.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public int Count => paths.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public int Label(int index) => labels[index];

    /// <inheritdoc/>
    public RgbImage Load(int index) => ImageDecoder.Decode(paths[index]);

    /// <inheritdoc/>
    public string Describe(int index) => paths[index];

    static string[] Classes(string folder, IReadOnlyList<string>? expected)
    {
        var found = Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)).Where(IsVisible).ToArray();
        Array.Sort(found, StringComparer.Ordinal);
        if (found.Length == 0)
            throw new DatasetException(folder, Files(folder).Any()
                ? $"images but no class folders; {ExpectedLayout}" : $"no class folders; {ExpectedLayout}");
        if (expected is null)
            return found;
        if (found.FirstOrDefault(name => !expected.Contains(name)) is { } unknown)
            throw new DatasetException(Path.Combine(folder, unknown), $"not one of the {expected.Count} classes trained on; remove the folder or rename it");
        return [.. expected];
    }

    static (string[] Paths, int[] Labels) List(string folder, IReadOnlyList<string> classes)
    {
        var paths = new List<string>();
        var labels = new List<int>();
        for (int label = 0; label < classes.Count; label++)
        {
            string classFolder = Path.Combine(folder, classes[label]);
            if (!Directory.Exists(classFolder))
                continue;       // an expected class that this folder has no images of
            var files = Files(classFolder).ToArray();
            if (files.Length == 0)
                throw new DatasetException(classFolder, $"no images in this class ({string.Join(", ", Extensions)}); add some or remove the folder");
            Array.Sort(files, StringComparer.Ordinal);
            paths.AddRange(files);
            labels.AddRange(Enumerable.Repeat(label, files.Length));
        }
        return ([.. paths], [.. labels]);
    }

    static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(path =>
            Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
            && Path.GetRelativePath(folder, path).Split(Path.DirectorySeparatorChar).All(IsVisible));

    static bool IsVisible(string name) => name[0] != '.';
}
