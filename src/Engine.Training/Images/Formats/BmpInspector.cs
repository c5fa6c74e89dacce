using System.Buffers.Binary;

namespace Engine.Training;

/// <summary>Reads the header of a Windows bitmap and checks that the file holds all its rows.</summary>
static class BmpInspector
{
    const string Format = "BMP";
    const int FileHeader = 14, CoreHeader = 12;

    public static ImageInspection Inspect(ReadOnlySpan<byte> data)
    {
        if (data.Length < FileHeader + CoreHeader)
            return ImageInspection.Truncated(Format, "it ends inside the header");
        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(data[10..]);
        uint header = BinaryPrimitives.ReadUInt32LittleEndian(data[FileHeader..]);
        if (header is not (12 or 40 or 56 or 108 or 124))
            return ImageInspection.Refuse(Format, $"not a readable BMP (header of {header} bytes); convert it to PNG");
        if (data.Length < FileHeader + header)
            return ImageInspection.Truncated(Format, "it ends inside the header");

        long width, height;
        int bits;
        if (header == CoreHeader)
        {
            width = BinaryPrimitives.ReadUInt16LittleEndian(data[18..]);
            height = BinaryPrimitives.ReadUInt16LittleEndian(data[20..]);
            bits = BinaryPrimitives.ReadUInt16LittleEndian(data[24..]);
        }
        else
        {
            width = BinaryPrimitives.ReadInt32LittleEndian(data[18..]);
            height = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(data[22..]));   // negative: rows from the top
            bits = BinaryPrimitives.ReadUInt16LittleEndian(data[28..]);
            uint compression = BinaryPrimitives.ReadUInt32LittleEndian(data[30..]);
            if (compression is not (0 or 3))
                return ImageInspection.Refuse(Format, "a compressed BMP; convert it to PNG");
        }
        if (width is <= 0 or > int.MaxValue || height is <= 0 or > int.MaxValue)
            return ImageInspection.Refuse(Format, $"damaged BMP data (size {width}x{height}); replace or remove the file");
        if (bits is not (1 or 4 or 8 or 16 or 24 or 32))
            return ImageInspection.Refuse(Format, $"a BMP of {bits} bits a pixel; convert it to PNG");

        // The decoder reads past the end as zeros, so a short file would come out black at one side.
        long stride = (width * bits + 31) / 32 * 4;
        Int128 end = offset + (Int128)stride * height;
        return end > data.Length
            ? ImageInspection.Truncated(Format, $"{data.Length} of {end} bytes")
            : new ImageInspection(Format, (int)width, (int)height, null);
    }
}
