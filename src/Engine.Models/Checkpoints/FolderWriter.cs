namespace Engine.Models;

/// <summary>Writes a folder of files so that nobody sees half of it.</summary>
static class FolderWriter
{
    /// <summary>Writes all files aside, then puts them in place: a new folder by one rename, an existing one's files by one rename each.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="write">Writes the files into the folder it is given.</param>
    /// <param name="obsolete">A file that would contradict the new ones; deleted.</param>
    public static void Write(string folder, Action<string> write, string obsolete)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (File.Exists(target))
            throw new CheckpointException(folder, "is a file; name a folder to write to");
        bool isNew = !Directory.Exists(target);
        string staging = isNew ? $"{target}.{Path.GetRandomFileName()}.tmp" : Path.Combine(target, $".{Path.GetRandomFileName()}.tmp");
        try
        {
            Directory.CreateDirectory(staging);
            write(staging);
            if (isNew) Directory.Move(staging, target);
            else Replace(staging, target, obsolete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(folder, $"cannot be written: {e.Message}", innerException: e);
        }
        finally
        {
            if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
        }
    }

    static void Replace(string staging, string target, string obsolete)
    {
        foreach (string file in Directory.GetFiles(staging).OrderBy(file => file.EndsWith(".json", StringComparison.Ordinal)))
            File.Move(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        File.Delete(Path.Combine(target, obsolete));
    }
}
