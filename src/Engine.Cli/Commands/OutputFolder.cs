namespace Engine.Cli;

/// <summary>
/// The folder that a command writes to. That it can be written shows before the work, not after; if nothing came of the
/// work, nothing is left of the folder.
/// </summary>
sealed class OutputFolder : IDisposable
{
    readonly bool isNew;

    /// <summary>Makes the folder, if it is absent, and tries to write to it.</summary>
    /// <exception cref="IOException">It cannot be made or written; the message names it.</exception>
    public OutputFolder(string path)
    {
        if (File.Exists(path)) throw new IOException($"{path}: is a file; name a folder with --out.");
        isNew = !Directory.Exists(path);
        Path = path;
        try
        {
            Directory.CreateDirectory(path);
            string probe = this[$".{System.IO.Path.GetRandomFileName()}"];
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: cannot be written: {exception.Message.TrimEnd('.')}; name another folder with --out.", exception);
        }
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>A file or folder in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        if (isNew && Directory.Exists(Path) && !Directory.EnumerateFileSystemEntries(Path).Any()) Directory.Delete(Path);
    }
}
