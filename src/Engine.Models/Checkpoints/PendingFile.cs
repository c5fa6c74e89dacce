using Microsoft.Win32.SafeHandles;

namespace Engine.Models;

/// <summary>
/// A file being written beside its final place. <see cref="Commit"/> flushes it to disk and renames it over the final
/// name in one step; without it, Dispose deletes it and whatever bore that name stays. A process killed in between leaves
/// a <c>NAME.*.tmp</c> beside an intact file. After a power cut the name may still lead to the old file, never to half a new one.
/// </summary>
sealed class PendingFile : IDisposable
{
    const int CopyChunk = 1 << 20;

    readonly string path;           // as the caller named it, for messages
    readonly string target;
    readonly string temporary;
    readonly SafeFileHandle file;
    byte[]? buffer;
    bool committed;

    /// <param name="path">The final name.</param>
    /// <param name="length">Bytes to come, asked of the disk at once so that a full disk shows before the work; 0 where unknown.</param>
    public PendingFile(string path, long length)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        this.path = path;
        target = Path.GetFullPath(path);
        temporary = $"{target}.{Path.GetRandomFileName()}.tmp";
        if (Directory.Exists(target))
            throw new CheckpointException(path, "is a folder; name a file to write");
        try
        {
            file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.None, length);
        }
        catch (Exception e) when (WriteFailure.Is(e))
        {
            throw Failure(e);
        }
    }

    /// <summary>Writes bytes at a place. May be called from several threads for places that do not overlap.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (Exception e) when (WriteFailure.Is(e))
        {
            throw Failure(e);
        }
    }

    /// <summary>Copies a part of another pending file.</summary>
    public void Copy(PendingFile source, long sourceOffset, long length, long offset)
    {
        buffer ??= new byte[CopyChunk];
        for (long done = 0; done < length;)
        {
            int read;
            try
            {
                read = RandomAccess.Read(source.file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), sourceOffset + done);
            }
            catch (Exception e) when (WriteFailure.Is(e))
            {
                throw Failure(e);
            }
            if (read == 0)
                throw new CheckpointException(path, "cannot be written: the temporary file was cut short by someone else");
            Write(buffer.AsSpan(0, read), offset + done);
            done += read;
        }
    }

    /// <summary>Makes the file whole, durable and final.</summary>
    public void Commit()
    {
        try
        {
            if (!OperatingSystem.IsWindows() && File.Exists(target))
                File.SetUnixFileMode(file, File.GetUnixFileMode(target));
            RandomAccess.FlushToDisk(file);
            file.Dispose();
            File.Move(temporary, target, overwrite: true);
            committed = true;
        }
        catch (Exception e) when (WriteFailure.Is(e))
        {
            throw Failure(e);
        }
    }

    public void Dispose()
    {
        file.Dispose();
        if (!committed)
            File.Delete(temporary);
    }

    CheckpointException Failure(Exception e) =>
        new(path, $"cannot be written: {WriteFailure.Reason(e)}; a file of that name stays as it was", innerException: e);
}
