namespace Engine.Training;

/// <summary>What a look at a file's structure found, before any pixel is decoded.</summary>
/// <param name="Format">The format's name for messages.</param>
/// <param name="Width">Pixels a row, from the header.</param>
/// <param name="Height">Rows, from the header.</param>
/// <param name="Fault">Why the file is refused, or null.</param>
readonly record struct ImageInspection(string Format, int Width, int Height, string? Fault)
{
    public static ImageInspection Refuse(string format, string fault) => new(format, 0, 0, fault);

    /// <summary>The one message for files that end too early.</summary>
    public static ImageInspection Truncated(string format, string where) =>
        Refuse(format, $"the {format} is truncated ({where}); download or copy it again, or remove it");
}
