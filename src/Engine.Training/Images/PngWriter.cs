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
        Save(path, stream => Write(image, stream));
    }

    /// <summary>Writes an image to a stream.</summary>
    public static void Write(RgbImage image, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(stream);
        const byte rgb = 2;
        WriteHeader(stream, image.Width, image.Height, rgb);
        WriteChunk(stream, "IDAT"u8, Compress(image.Pixels, image.Stride));
        WriteChunk(stream, "IEND"u8, []);
    }

    /// <summary>Writes a file that appears whole or not at all.</summary>
    /// <exception cref="ImageException">The file cannot be written.</exception>
    internal static void Save(string path, Action<Stream> write)
    {
        try
        {
            WholeFile.Write(path, write);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(path, $"cannot be written ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>The signature and the header chunk; 8 bits a channel, not interlaced.</summary>
    internal static void WriteHeader(Stream stream, int width, int height, byte colourType)
    {
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;
        header[9] = colourType;         // compression, filter and interlace methods stay 0
        stream.Write(PngInspector.Signature);
        WriteChunk(stream, "IHDR"u8, header);
    }

    /// <summary>Rows under the Up filter, which suits drawn images: a row like the one above becomes zeros.</summary>
    internal static byte[] Compress(ReadOnlySpan<byte> pixels, int stride)
    {
        const byte up = 2;
        using var memory = new MemoryStream();
        using (var zlib = new ZLibStream(memory, CompressionLevel.Optimal, leaveOpen: true))
        {
            var line = new byte[1 + stride];
            line[0] = up;
            for (int start = 0; start < pixels.Length; start += stride)
            {
                var row = pixels.Slice(start, stride);
                for (int i = 0; i < stride; i++)
                    line[1 + i] = (byte)(row[i] - (start == 0 ? 0 : pixels[start - stride + i]));
                zlib.Write(line);
            }
        }
        return memory.ToArray();
    }

    internal static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        var chunk = new byte[12 + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        type.CopyTo(chunk.AsSpan(4));
        content.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + content.Length), Crc32.Of(chunk.AsSpan(4, 4 + content.Length)));
        stream.Write(chunk);
    }
}
