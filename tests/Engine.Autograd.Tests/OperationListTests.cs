using System.Reflection;

namespace Engine.Autograd.Tests;

public sealed class OperationListTests
{
    [Fact]
    public void Every_function_is_listed_once()
    {
        IEnumerable<string> functions = typeof(Functions).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(method => method.Name).Distinct();
        Assert.Equal(functions.Order(), OperationList.FunctionNames.Order());
    }

    [Fact]
    public void Every_entry_point_named_exists() => Assert.Empty(OperationList.NamedEntryPoints.Except(OperationList.EntryPoints));

    [Fact]
    public void The_table_in_the_documentation_is_true()
    {
        string expected = OperationList.ToMarkdown(), path = Path.Combine(Root(), "docs", "operations.md");
        if (Environment.GetEnvironmentVariable("ENGINE_WRITE_DOCS") == "1") File.WriteAllText(path, expected);
        Assert.True(
            File.Exists(path) && File.ReadAllText(path) == expected,
            "docs/operations.md differs from the code; run this test with ENGINE_WRITE_DOCS=1 and commit the file.");
    }

    static string Root()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Engine.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"No Engine.sln above {AppContext.BaseDirectory}.");
        return folder.FullName;
    }
}
