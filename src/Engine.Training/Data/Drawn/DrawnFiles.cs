using System.Runtime.ExceptionServices;
using System.Text;

namespace Engine.Training;

/// <summary>Writes drawn pictures to disk, in the forms that everything else reads.</summary>
public static class DrawnFiles
{
    /// <summary>Writes a set in the form of PASCAL VOC: pictures as PNG in <c>JPEGImages</c>, masks, a list for each split, <c>classes.txt</c>.</summary>
    /// <param name="folder">A folder that is new or empty.</param>
    /// <param name="splits">Each list's name with its pictures.</param>
    /// <param name="cancellation">Stops between two pictures.</param>
    /// <exception cref="ImageException">A file cannot be written.</exception>
    public static void SavePascal(string folder, IReadOnlyList<(string List, ISegmentationDataset Pictures)> splits, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(splits);
        string pictures = Path.Combine(folder, PascalFolder.Pictures), masks = Path.Combine(folder, PascalFolder.Masks);
        Directory.CreateDirectory(pictures);
        Directory.CreateDirectory(masks);
        foreach (var (list, data) in splits)
        {
            Each(data.Count, cancellation, i =>
            {
                var (image, mask) = data.Load(i);
                PngWriter.Save(image, Path.Combine(pictures, data.Name(i) + ".png"));
                IndexedPng.Save(mask, Path.Combine(masks, data.Name(i) + ".png"));
            });
            string path = PascalFolder.ListPath(folder, list);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Lines(path, Enumerable.Range(0, data.Count).Select(data.Name));     // last, when all it names is there
        }
        Lines(Path.Combine(folder, PascalFolder.ClassesFile), splits[0].Pictures.ClassNames);
    }

    /// <summary>Writes a set as one folder a class: <c>circle/00000.png</c>.</summary>
    /// <param name="folder">A folder that is new or empty.</param>
    /// <param name="images">The images.</param>
    /// <param name="cancellation">Stops between two images.</param>
    /// <exception cref="ImageException">A file cannot be written.</exception>
    public static void SaveClasses(string folder, IImageDataset images, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(images);
        foreach (string name in images.ClassNames)
            Directory.CreateDirectory(Path.Combine(folder, name));
        Each(images.Count, cancellation, i => PngWriter.Save(images.Load(i), Path.Combine(folder, images.ClassNames[images.Label(i)], $"{i:D5}.png")));
    }

    static void Each(int count, CancellationToken cancellation, Action<int> write)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellation }, write);
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);        // one line tells enough of a full disk
        }
    }

    static void Lines(string path, IEnumerable<string> lines) =>
        WholeFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(string.Join('\n', lines) + '\n')));
}
