namespace Engine.Testing;

/// <summary>Finds the golden references of <c>tests/Fixtures</c>, wherever the tests run from.</summary>
public static class FixtureFolder
{
    static readonly string Root = Find();

    /// <summary>A file or folder of the fixtures, such as <c>Path("io", "good")</c>.</summary>
    public static string Path(params ReadOnlySpan<string> parts) =>
        System.IO.Path.Combine([Root, .. parts]);

    /// <summary>The folder in ENGINE_FIXTURES where that is set, else the one of the checkout that the tests were built in.</summary>
    static string Find()
    {
        if (Environment.GetEnvironmentVariable("ENGINE_FIXTURES") is { Length: > 0 } named)
            return Directory.Exists(named) ? named : throw new DirectoryNotFoundException($"ENGINE_FIXTURES names {named}, which is no folder.");
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Engine.sln")))
                return System.IO.Path.Combine(folder.FullName, "tests", "Fixtures");
        }
        throw new DirectoryNotFoundException($"No Engine.sln above {AppContext.BaseDirectory}: set ENGINE_FIXTURES to the folder tests/Fixtures.");
    }
}
