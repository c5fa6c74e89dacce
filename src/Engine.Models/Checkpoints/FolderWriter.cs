namespace Engine.Models;

/// <summary>
/// Writes a folder of files so that nobody sees half of it. The new folder is made whole beside the old one and takes its
/// place by a rename; the old one is kept as <c>NAME.*.old</c> until then, and files in it that are not written anew move over.
/// A process killed in between leaves a whole old folder or a whole new one, under the name or beside it.
/// </summary>
static class FolderWriter
{
    const string Staged = ".tmp", Replaced = ".old";

    /// <summary>Writes a folder, or its new files among those that it holds.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="write">Writes the files into the folder it is given.</param>
    /// <param name="isObsolete">Names of present files that would contradict the new ones; they go.</param>
    /// <exception cref="CheckpointException">The folder cannot be written; what was there stays.</exception>
    public static void Write(string folder, Action<string> write, Predicate<string> isObsolete)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (File.Exists(target))
            throw new CheckpointException(folder, "is a file; name a folder to write to");
        if (Directory.Exists(target)) target = Directory.ResolveLinkTarget(target, returnFinalTarget: true)?.FullName ?? target;
        string staging = "";
        try
        {
            staging = Stage(target);
            write(staging);
            if (!Directory.Exists(target)) Directory.Move(staging, target);
            else Swap(staging, target, isObsolete);
        }
        catch (CheckpointException e) when (e.FilePath.StartsWith(staging, StringComparison.Ordinal))
        {
            throw e.Elsewhere(Path.Combine(folder, Path.GetRelativePath(staging, e.FilePath)));
        }
        catch (Exception e) when (WriteFailure.Is(e))
        {
            throw new CheckpointException(folder, $"cannot be written: {WriteFailure.Reason(e)}", innerException: e);
        }
        finally
        {
            if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
        }
    }

    /// <summary>What an interrupted save may have left of a folder that is not there: its old state, to be renamed back; else null.</summary>
    public static string? Leftover(string folder)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Path.GetDirectoryName(target) is { } parent && Directory.Exists(parent)
            ? Directory.EnumerateDirectories(parent, $"{Path.GetFileName(target)}.*{Replaced}").Order(StringComparer.Ordinal).FirstOrDefault() : null;
    }

    // Beside the folder; inside it where nothing may be made beside it.
    static string Stage(string target)
    {
        string beside = Beside(target, Staged);
        try
        {
            Directory.CreateDirectory(beside);
            return beside;
        }
        catch (Exception e) when (WriteFailure.Is(e) && Directory.Exists(target))
        {
            return Directory.CreateDirectory(Path.Combine(target, $".{Path.GetRandomFileName()}{Staged}")).FullName;
        }
    }

    static string Beside(string target, string ending) => $"{target}.{Path.GetRandomFileName()}{ending}";

    static void Swap(string staging, string target, Predicate<string> isObsolete)
    {
        string old = Beside(target, Replaced);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(staging, File.GetUnixFileMode(target));
        try
        {
            if (Path.GetDirectoryName(staging) == target) throw new IOException("The folder beside may not be written.");
            Directory.Move(target, old);
        }
        catch (Exception e) when (WriteFailure.Is(e))
        {
            Replace(staging, target, isObsolete);       // a mount point, or a place whose surroundings belong to someone else
            return;
        }

        try
        {
            Directory.Move(staging, target);
        }
        catch (Exception e) when (WriteFailure.Is(e))
        {
            Directory.Move(old, target);
            throw;
        }

        foreach (string entry in Directory.GetFileSystemEntries(old))
        {
            string name = Path.GetFileName(entry), place = Path.Combine(target, name);
            if (isObsolete(name) || Path.Exists(place)) continue;
            if (Directory.Exists(entry)) Directory.Move(entry, place);
            else File.Move(entry, place);
        }

        Directory.Delete(old, recursive: true);
    }

    // One by one, each in one step; what says how to read the weights comes last.
    static void Replace(string staging, string target, Predicate<string> isObsolete)
    {
        HashSet<string> written = [.. Directory.GetFiles(staging).Select(file => Path.GetFileName(file))];
        foreach (string name in written.OrderBy(name => name.EndsWith(".json", StringComparison.Ordinal)))
        {
            string near = Path.Combine(target, $".{Path.GetRandomFileName()}{Staged}");
            File.Move(Path.Combine(staging, name), near);
            File.Move(near, Path.Combine(target, name), overwrite: true);
        }

        foreach (string file in Directory.GetFiles(target))
            if (Path.GetFileName(file) is var name && !written.Contains(name) && isObsolete(name)) File.Delete(file);
    }
}
