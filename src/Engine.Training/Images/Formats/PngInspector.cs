using System.Buffers.Binary;

namespace Engine.Training;

/// <summary>
/// Walks the chunks of a PNG file (ISO 15948, clause 5) up to IEND and checks the checksums of those that pixels
/// come from. A file cut anywhere lacks IEND or ends inside a chunk.
/// </summary>
static class PngInspector
{
    const string Format = "PNG";

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static ImageInspection Inspect(ReadOnlySpan<byte> data)
    {
        int width = 0, height = 0, position = Signature.Length;
        long compressed = 0, raw = 0;
        while (true)
        {
            if (data.Length - position < 12)
                return ImageInspection.Truncated(Format, "no IEND chunk");
            uint length = BinaryPrimitives.ReadUInt32BigEndian(data[position..]);
            if (length > data.Length - position - 12)
                return ImageInspection.Truncated(Format, "it ends inside a chunk");
            var body = data.Slice(position + 4, (int)length + 4);
            var type = body[..4];
            uint checksum = BinaryPrimitives.ReadUInt32BigEndian(data[(position + 8 + (int)length)..]);

            // Upper case first letter: critical. Metadata with a wrong checksum does no harm and is common.
            if ((type[0] & 0x20) == 0 && Crc32.Of(body) != checksum)
                return ImageInspection.Refuse(Format, $"damaged PNG data (checksum of a chunk at byte {position}); replace or remove the file");
            if (width == 0)
            {
                if (!type.SequenceEqual("IHDR"u8) || length != 13)
                    return ImageInspection.Refuse(Format, "damaged PNG data (no header chunk); replace or remove the file");
                uint w = BinaryPrimitives.ReadUInt32BigEndian(body[4..]), h = BinaryPrimitives.ReadUInt32BigEndian(body[8..]);
                if (w is 0 or > int.MaxValue || h is 0 or > int.MaxValue)
                    return ImageInspection.Refuse(Format, $"damaged PNG data (size {w}x{h}); replace or remove the file");
                (width, height) = ((int)w, (int)h);
                raw = RawBytes(width, height, depth: body[12], colour: body[13]);
            }
            else if (type.SequenceEqual("IDAT"u8))
            {
                compressed += length;
            }
            else if (type.SequenceEqual("IEND"u8))
            {
                break;
            }
            position += 12 + (int)length;
        }

        // Deflate never needs more than stored blocks do; far more data than pixels is a decompression bomb.
        if (compressed > raw + raw / 64 + 4096)
            return ImageInspection.Refuse(Format, $"damaged PNG data ({compressed} bytes compressed for {width}x{height} pixels); replace or remove the file");
        return compressed == 0
            ? ImageInspection.Refuse(Format, "the PNG holds no image data; replace or remove the file")
            : new ImageInspection(Format, width, height, null);
    }

    /// <summary>An upper bound of the filtered bytes; interlacing adds at most seven filter bytes a row.</summary>
    static long RawBytes(int width, int height, int depth, int colour)
    {
        int channels = colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        return (((long)width * channels * depth + 7) / 8 + 16) * height;
    }
}
