using System.Text;

namespace Engine.Models;

/// <summary>
/// A checkpoint that cannot be read or written as asked. The message is one line: the file, the tensor where one is
/// at fault, what was expected and found, and where it helps what to do.
/// </summary>
/// <param name="filePath">The file at fault, as the caller named it.</param>
/// <param name="problem">What was expected and found. Control characters, which come from hostile files, are shown as '?'.</param>
/// <param name="tensorName">The tensor at fault, or null.</param>
/// <param name="innerException">What was thrown below, or null.</param>
public sealed class CheckpointException(string filePath, string problem, string? tensorName = null, Exception? innerException = null)
    : Exception(OneLine(filePath, problem, tensorName), innerException)
{
    const int LongestName = 200;        // names come from the file and may be megabytes long
    const int LongestProblem = 1000;

    /// <summary>The file at fault, as the caller named it.</summary>
    public string FilePath { get; } = filePath;

    /// <summary>The tensor at fault; null where the fault is the file's as a whole.</summary>
    public string? TensorName { get; } = tensorName;

    /// <summary>The same fault, of the file under the name that people know it by.</summary>
    internal CheckpointException Elsewhere(string path) => new(path, problem, TensorName, this);

    static string OneLine(string filePath, string problem, string? tensorName)
    {
        StringBuilder line = new();
        Append(line, filePath, int.MaxValue);
        line.Append(": ");
        if (tensorName is not null)
        {
            line.Append("tensor \"");
            Append(line, tensorName, LongestName);
            line.Append("\": ");
        }
        Append(line, problem, LongestProblem);
        return line.ToString();
    }

    static void Append(StringBuilder line, string text, int longest)
    {
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, longest)))
            line.Append(char.IsControl(c) || c is '\u2028' or '\u2029' ? '?' : c);
        if (text.Length > longest)
            line.Append("...");
    }
}
