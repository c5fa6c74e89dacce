using Engine.Models;
using Engine.Training;

namespace Engine.Cli.Tests;

/// <summary>A folder that is removed after the test, with models and images as a user has them.</summary>
sealed class Scratch : IDisposable
{
    public static VitConfig Config { get; } = new()
    {
        ImageSize = 16,
        PatchSize = 8,
        Width = 16,
        Depth = 2,
        Heads = 2,
        MlpWidth = 32,
        Classes = 3,
    };

    public string Path { get; } = Directory.CreateTempSubdirectory("engine-cli-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>A model folder in timm's layout; without class names, as a downloaded checkpoint.</summary>
    public string Model(string name = "vit", int classes = 3)
    {
        ModelFolder.Save(new VisionTransformer(Config with { Classes = classes }, 1), this[name]);
        return this[name];
    }

    /// <summary>A folder of class folders with PNG files.</summary>
    public string Images(string name = "data", int classes = 3, int each = 5)
    {
        for (int label = 0; label < classes; label++)
        {
            string folder = System.IO.Path.Combine(this[name], DrawnDomains.Shapes[label]);
            Directory.CreateDirectory(folder);
            for (int i = 0; i < each; i++)
                PngWriter.Save(DrawnDomains.Draw(1, DrawnSplit.Train, DrawnDomain.Filled, 10 * i + label, 16), System.IO.Path.Combine(folder, $"{i}.png"));
        }

        return this[name];
    }

    /// <summary>Writes a file, making its folders.</summary>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    /// <summary>Every file and folder, to see that nothing was left.</summary>
    public string[] Contents() => [.. Directory.EnumerateFileSystemEntries(Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
