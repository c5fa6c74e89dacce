using System.Buffers.Binary;
using System.IO.Compression;

namespace Engine.Training;

/// <summary>Writes 8-bit RGB PNG files (ISO 15948) for sample sheets and reports.</summary>
public static class PngWriter
{
    /// <summary>Writes an image. The file appears whole or not at all: it is written beside its place and renamed.</summary>
    /// <exception cref="ImageException">The file cannot be written.</exception>
    public static void Save(RgbImage image, string path)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentException.ThrowIfNullOrEmpty(path);
        string temporary = path + ".tmp";
        try
        {
            using (var file = File.Create(temporary))
                Write(image, file);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
            throw new ImageException(path, $"cannot be written ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>Writes an image to a stream.</summary>
    public static void Write(RgbImage image, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(stream);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = 8;      // bits a channel
        header[9] = 2;      // RGB; compression, filter and interlace methods stay 0

        stream.Write(PngInspector.Signature);
        WriteChunk(stream, "IHDR"u8, header);
        WriteChunk(stream, "IDAT"u8, Compress(image));
        WriteChunk(stream, "IEND"u8, []);
    }

    /// <summary>Rows under the Up filter, which suits drawn images: a row like the one above becomes zeros.</summary>
    static byte[] Compress(RgbImage image)
    {
        const byte up = 2;
        using var memory = new MemoryStream();
        using (var zlib = new ZLibStream(memory, CompressionLevel.Optimal, leaveOpen: true))
        {
            var line = new byte[1 + image.Stride];
            line[0] = up;
            for (int y = 0; y < image.Height; y++)
            {
                var row = image.Row(y);
                var above = y == 0 ? default : image.Row(y - 1);
                for (int i = 0; i < row.Length; i++)
                    line[1 + i] = (byte)(row[i] - (y == 0 ? 0 : above[i]));
                zlib.Write(line);
            }
        }
        return memory.ToArray();
    }

    static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        var chunk = new byte[12 + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        type.CopyTo(chunk.AsSpan(4));
        content.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + content.Length), Crc32.Of(chunk.AsSpan(4, 4 + content.Length)));
        stream.Write(chunk);
    }
}
