namespace Engine.Training;

/// <summary>A description of preprocessing that cannot be read or used. The message is one line.</summary>
public sealed class PreprocessingException : Exception
{
    /// <summary>Reports a file.</summary>
    /// <param name="filePath">The file.</param>
    /// <param name="fault">What is wrong with it, without a final full stop.</param>
    /// <param name="inner">The cause, where another library or the system reported it.</param>
    public PreprocessingException(string filePath, string fault, Exception? inner = null)
        : base($"{filePath}: {fault}.", inner) => FilePath = filePath;

    /// <summary>The file.</summary>
    public string FilePath { get; }
}
