using System.Buffers.Binary;

namespace Engine.Training;

/// <summary>
/// Walks the segments of a JPEG file (ITU T.81, annex B) up to the end-of-image marker. A file cut anywhere lacks that
/// marker: what looks like one inside a segment, such as a thumbnail's in Exif data, is skipped with its segment, and
/// entropy-coded data cannot hold one, since its 0xFF bytes are stuffed.
/// </summary>
static class JpegInspector
{
    const string Format = "JPEG";
    const byte StartOfImage = 0xD8, EndOfImage = 0xD9, StartOfScan = 0xDA;

    public static ReadOnlySpan<byte> Signature => [0xFF, StartOfImage, 0xFF];

    public static ImageInspection Inspect(ReadOnlySpan<byte> data)
    {
        int width = 0, height = 0, position = 2;
        bool scanned = false;
        while (true)
        {
            // A marker is 0xFF, any number of fill bytes 0xFF, then its code.
            if (position >= data.Length)
                return ImageInspection.Truncated(Format, "no end-of-image marker");
            if (data[position] != 0xFF)
                return ImageInspection.Refuse(Format, $"damaged JPEG data (no marker at byte {position}); replace or remove the file");
            while (position < data.Length && data[position] == 0xFF)
                position++;
            if (position >= data.Length)
                return ImageInspection.Truncated(Format, "it ends inside a marker");
            byte marker = data[position++];

            if (marker == EndOfImage)
                return scanned
                    ? new ImageInspection(Format, width, height, null)
                    : ImageInspection.Refuse(Format, "the JPEG holds no image data; replace or remove the file");
            if (IsStandalone(marker))
                continue;

            if (data.Length - position < 2)
                return ImageInspection.Truncated(Format, "it ends inside a segment");
            int length = BinaryPrimitives.ReadUInt16BigEndian(data[position..]);
            if (length < 2)
                return ImageInspection.Refuse(Format, $"damaged JPEG data (segment of length {length} at byte {position}); replace or remove the file");
            if (length > data.Length - position)
                return ImageInspection.Truncated(Format, "it ends inside a segment");
            var segment = data.Slice(position + 2, length - 2);
            position += length;

            if (IsFrame(marker))
            {
                if (Frame(marker, segment, out width, out height) is { } fault)
                    return ImageInspection.Refuse(Format, fault);
            }
            else if (marker == StartOfScan)
            {
                if (width == 0)
                    return ImageInspection.Refuse(Format, "damaged JPEG data (a scan before its frame header); replace or remove the file");
                scanned = true;
                position = EndOfEntropyData(data, position);
            }
        }
    }

    /// <summary>Reads a frame header: precision, height, width, components.</summary>
    static string? Frame(byte marker, ReadOnlySpan<byte> segment, out int width, out int height)
    {
        width = height = 0;
        if (segment.Length < 6)
            return "damaged JPEG data (frame header too short); replace or remove the file";
        if (marker > 0xC2)
            return "a JPEG that is lossless, hierarchical or arithmetic-coded; convert it to baseline or progressive";
        if (segment[0] != 8)
            return $"a JPEG of {segment[0]} bits a channel; convert it to 8";
        height = BinaryPrimitives.ReadUInt16BigEndian(segment[1..]);
        width = BinaryPrimitives.ReadUInt16BigEndian(segment[3..]);
        return width == 0 || height == 0
            ? $"damaged JPEG data (size {width}x{height}); replace or remove the file"
            : null;
    }

    /// <summary>The place of the next marker that is neither a stuffed zero nor a restart marker.</summary>
    static int EndOfEntropyData(ReadOnlySpan<byte> data, int position)
    {
        while (position < data.Length)
        {
            int next = data[position..].IndexOf((byte)0xFF);
            if (next < 0 || position + next + 1 >= data.Length)
                return data.Length;
            position += next;
            byte code = data[position + 1];
            if (code == 0xFF)
                position++;
            else if (code == 0 || IsStandalone(code))
                position += 2;
            else
                return position;
        }
        return data.Length;
    }

    /// <summary>Markers without a segment: restart markers and TEM.</summary>
    static bool IsStandalone(byte marker) => marker is >= 0xD0 and <= 0xD7 or 0x01;

    /// <summary>SOF0 .. SOF15, without DHT (C4), JPG (C8) and DAC (CC).</summary>
    static bool IsFrame(byte marker) => marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
}
