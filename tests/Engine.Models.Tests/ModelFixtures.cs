using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>The reference models of <c>tests/Fixtures/models</c>.</summary>
static class ModelFixtures
{
    /// <summary>Every model of a family, each on every test device.</summary>
    /// <param name="family">What the names of its cases begin with: <c>vit_</c>.</param>
    public static IEnumerable<TheoryDataRow<FixtureCase>> Cases(string family)
    {
        foreach ((string device, string? absent) in TestDevices.All)
            foreach (string name in Names(family))
                yield return new(new("models", name, device)) { Skip = absent };
    }

    /// <summary>The names of every model of a family.</summary>
    public static IEnumerable<string> Names(string family) =>
        Manifest.Of("models").Select(entry => entry.Name).Where(name => name.StartsWith(family, StringComparison.Ordinal));

    public static string Folder(string name) => FixtureFolder.Path("models", name);

    /// <summary>A copy that a test may spoil.</summary>
    public static string Copy(string name, SafeTensorsScratch scratch)
    {
        string copy = scratch[name];
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(Folder(name)))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            File.SetAttributes(Path.Combine(copy, Path.GetFileName(file)), FileAttributes.Normal);
        }

        return copy;
    }

    /// <summary>The same tensors with some left out, added, or changed.</summary>
    public static void Rewrite(string folder, Func<SafeTensorItem, SafeTensorItem?> change, params SafeTensorItem[] added)
    {
        string path = Path.Combine(folder, "model.safetensors");
        using SafeTensors file = SafeTensors.Open(path);
        SafeTensors.Create(path + ".new", writer =>
        {
            foreach (SafeTensorItem item in file.Items.Values)
                if (change(item) is { } changed)
                    writer.Write(changed.Name, changed.Type, changed.Shape, changed.ByteLength == item.ByteLength ? file.Read(item.Name) : new byte[changed.ByteLength]);
            foreach (SafeTensorItem item in added) writer.Write(item.Name, item.Type, item.Shape, new byte[item.ByteLength]);
        }, file.Metadata);
        file.Dispose();
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>The same files with the same bytes.</summary>
    public static void AssertSameFolders(string expected, string actual, string except = "")
    {
        string[] names = [.. Directory.GetFiles(expected).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        Assert.Equal(names, Directory.GetFiles(actual).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach (string name in names.Where(name => name != except))
            Assert.True(File.ReadAllBytes(Path.Combine(expected, name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, name))), $"{name} differs");
    }

    /// <summary>Two small images.</summary>
    public static Tensor Pixels(VitConfig config, int count = 2, ulong seed = 3) =>
        RandomNumbers.Normal([count, config.Channels, config.ImageSize, config.ImageSize], new Philox(seed));

    public static VitConfig Small { get; } = new() { ImageSize = 16, PatchSize = 8, Width = 24, Depth = 2, Heads = 3, MlpWidth = 48, Classes = 5 };
}
