using System.Text.Json;

namespace Engine.Testing;

/// <summary>A case as its folder's manifest.json describes it.</summary>
/// <param name="Name">Unique in the folder.</param>
/// <param name="File">The safetensors file beside the manifest.</param>
/// <param name="RelativeTolerance">What a float32 result may miss, relative to the reference.</param>
/// <param name="AbsoluteTolerance">What it may miss besides.</param>
/// <param name="Config">The operation and its options.</param>
public sealed record ManifestEntry(string Name, string File, double RelativeTolerance, double AbsoluteTolerance, JsonElement Config);

/// <summary>Reads manifests.</summary>
public static class Manifest
{
    static readonly Dictionary<string, ManifestEntry[]> Known = [];

    /// <summary>All cases of a folder.</summary>
    public static IReadOnlyList<ManifestEntry> Of(string folder)
    {
        lock (Known)
        {
            if (!Known.TryGetValue(folder, out ManifestEntry[]? entries)) Known[folder] = entries = Read(FixtureFolder.Path(folder, "manifest.json"));
            return entries;
        }
    }

    static ManifestEntry[] Read(string path)
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(path));
        return [.. manifest.RootElement.EnumerateArray().Select(entry => new ManifestEntry(
            entry.GetProperty("name").GetString()!,
            entry.GetProperty("file").GetString()!,
            entry.GetProperty("rtol").GetDouble(),
            entry.GetProperty("atol").GetDouble(),
            entry.GetProperty("config").Clone()))];
    }
}
