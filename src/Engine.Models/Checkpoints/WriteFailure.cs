namespace Engine.Models;

/// <summary>Why something could not be written, in words for people and without the temporary path that the system names.</summary>
static class WriteFailure
{
    const int NoSpace = 28, NoSpaceOnWindows = unchecked((int)0x80070070), HandleDiskFull = unchecked((int)0x80070027);

    /// <summary>Whether the file system refused; anything else is a fault of the program.</summary>
    public static bool Is(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>The reason: the disk was full, access was denied, or the system's message up to where it quotes a path.</summary>
    public static string Reason(Exception e)
    {
        if (e.HResult is NoSpace or NoSpaceOnWindows or HandleDiskFull || e.Message.Contains("disk was full", StringComparison.Ordinal))
            return "the disk was full";
        if (e is UnauthorizedAccessException) return "access is denied";
        int quoted = e.Message.IndexOf('\'', StringComparison.Ordinal);
        string reason = (quoted < 0 ? e.Message : e.Message[..quoted]).TrimEnd(' ', ':', '.');
        return reason.Length > 0 && quoted != 0 ? reason : e.Message.TrimEnd('.');
    }
}
