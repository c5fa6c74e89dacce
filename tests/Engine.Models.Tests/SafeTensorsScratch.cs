using System.Buffers.Binary;
using System.Text;

namespace Engine.Models.Tests;

/// <summary>A folder of its own for a test that writes files, gone when the test ends.</summary>
sealed class SafeTensorsScratch : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("engine-safetensors-").FullName;

    public string[] Files => [.. Directory.GetFiles(Folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>Writes a file from a header's text and the number of data bytes, which count 0, 1, 2, ...</summary>
    public string Raw(string header, int dataLength, string name = "raw.safetensors")
    {
        File.WriteAllBytes(this[name], Bytes(header, dataLength));
        return this[name];
    }

    public static byte[] Bytes(string header, int dataLength)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] bytes = new byte[sizeof(long) + json.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, sizeof(long));
        for (int i = 0; i < dataLength; i++)
            bytes[sizeof(long) + json.Length + i] = (byte)i;
        return bytes;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
