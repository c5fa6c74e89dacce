namespace Engine.Training;

/// <summary>A dataset that cannot be used. The message is one line that names the place, the fault and what to do.</summary>
public sealed class DatasetException : Exception
{
    /// <summary>Reports a place.</summary>
    /// <param name="location">The folder or file.</param>
    /// <param name="fault">What is wrong with it, without a final full stop.</param>
    /// <param name="inner">The cause, where the system reported it.</param>
    public DatasetException(string location, string fault, Exception? inner = null)
        : base($"{location}: {fault}.", inner) => Location = location;

    /// <summary>The folder or file.</summary>
    public string Location { get; }
}
