namespace Engine.Training;

/// <summary>An image file that cannot be read. The message is one line that names the file, the fault and what to do.</summary>
public sealed class ImageException : Exception
{
    /// <summary>Reports a file.</summary>
    /// <param name="filePath">The file.</param>
    /// <param name="fault">What is wrong with it, without a final full stop.</param>
    /// <param name="inner">The cause, where another library or the system reported it.</param>
    public ImageException(string filePath, string fault, Exception? inner = null)
        : base($"{filePath}: {fault}.", inner)
    {
        FilePath = filePath;
        Fault = fault;
    }

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>What is wrong with it.</summary>
    public string Fault { get; }
}
