using System.Globalization;

namespace Engine.Testing;

/// <summary>
/// The comparison of a run that came nearest to its tolerance, written to the file that ENGINE_TEST_ERRORS names when the
/// process ends: how much room is left on a device that nobody has seen yet.
/// </summary>
static class WorstError
{
    static readonly Lock Gate = new();
    static readonly string? File = Watch();
    static double share = -1;
    static string where = "";

    /// <summary>True if somebody wants to know.</summary>
    public static bool IsAsked => File is not null;

    /// <summary>Notes a comparison: its largest error as a share of what it was allowed.</summary>
    public static void Note(double error, string what)
    {
        lock (Gate)
        {
            if (error > share) (share, where) = (error, what);
        }
    }

    static string? Watch()
    {
        if (Environment.GetEnvironmentVariable("ENGINE_TEST_ERRORS") is not { Length: > 0 } file) return null;
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (share >= 0) System.IO.File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"{share:P1} of the tolerance at {where}"));
        };
        return file;
    }
}
