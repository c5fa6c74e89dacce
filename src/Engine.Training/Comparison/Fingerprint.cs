using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Engine.Training;

/// <summary>Short digests of what results depend on.</summary>
static class Fingerprint
{
    /// <summary>Of a set of images: how many there are, their names, classes and lengths as files; not of the pixels, which would have to be read.</summary>
    public static string Of(IImageDataset images)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < images.Count; i++)
        {
            string name = images.Describe(i);
            long length = File.Exists(name) ? new FileInfo(name).Length : 0;
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(name)}\n{images.ClassNames[images.Label(i)]}\n{length}\n")));
        }

        return string.Create(CultureInfo.InvariantCulture, $"{images.Count} images {Short(hash)}");
    }

    /// <summary>Of a model's folder: its configuration and weights.</summary>
    public static string OfModel(string folder)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        foreach (string path in Directory.EnumerateFiles(folder).Where(path => Path.GetExtension(path) is ".safetensors" or ".json").Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(path)));
            using FileStream stream = File.OpenRead(path);
            for (int read; (read = stream.Read(buffer)) > 0;) hash.AppendData(buffer, 0, read);
        }

        return Short(hash);
    }

    static string Short(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
}
