using System.Runtime.ExceptionServices;

namespace Engine.Training;

/// <summary>Writes renderings of a tree of images.</summary>
public static class RenderedFiles
{
    static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".bmp"];

    /// <summary>Writes every image below a folder in each rendering: <c>bird/1.jpg</c> becomes <c>edges/bird/1.png</c>, and so on.</summary>
    /// <param name="source">The folder with the images, at any depth.</param>
    /// <param name="target">A folder that is new or empty.</param>
    /// <param name="renderings">Which.</param>
    /// <param name="cancellation">Stops between two images.</param>
    /// <returns>Files written.</returns>
    /// <exception cref="DatasetException">There is no such folder, or no image below it.</exception>
    /// <exception cref="ImageException">An image cannot be read, or a file not be written.</exception>
    public static int Save(string source, string target, IReadOnlyList<Rendering> renderings, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        ArgumentException.ThrowIfNullOrEmpty(target);
        ArgumentNullException.ThrowIfNull(renderings);
        if (!Directory.Exists(source)) throw new DatasetException(source, "no such folder");
        string[] images = [.. Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories)
            .Where(path => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
        if (images.Length == 0) throw new DatasetException(source, $"no images below it ({string.Join(", ", Extensions)})");
        try
        {
            Parallel.ForEach(images, new ParallelOptions { CancellationToken = cancellation }, path =>
            {
                RgbImage image = ImageDecoder.Decode(path);
                string place = Path.ChangeExtension(Path.GetRelativePath(source, path), ".png");
                foreach (Rendering rendering in renderings)
                {
                    string file = Path.Combine(target, rendering.Word(), place);
                    Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                    PngWriter.Save(Renderings.Apply(image, rendering), file);
                }
            });
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }

        return images.Length * renderings.Count;
    }

    /// <summary>The rendering's name as folders and options have it: <c>edges</c>.</summary>
    public static string Word(this Rendering rendering) => rendering.ToString().ToLowerInvariant();
}
