namespace Engine.Training;

/// <summary>Files that appear whole or not at all.</summary>
public static class WholeFile
{
    /// <summary>
    /// Writes to a temporary file in the same folder, flushes it to the disk, and renames it. If anything fails, the
    /// temporary file is deleted and what was there before stays.
    /// </summary>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
