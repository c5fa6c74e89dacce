using System.Buffers.Binary;
using System.IO.Compression;

namespace Engine.Training;

/// <summary>
/// Reads and writes masks as PNG files (ISO 15948) in which the palette's index, or the grey level, is the class: 1, 2, 4 or 8
/// bits, not interlaced. The palette itself says how a mask looks and is not read: files whose indices go beyond their
/// palette, as PASCAL's 255 often does, are common.
/// </summary>
public static class IndexedPng
{
    const byte Grey = 0, Palette = 3;
    const string Remedy = "write the mask as a palette PNG, or as grey whose level is the class";

    /// <summary>Reads a file.</summary>
    /// <exception cref="ImageException">The file is missing, no such PNG, damaged, cut off or too large.</exception>
    public static LabelMask Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return Decode(File.ReadAllBytes(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(path, exception is FileNotFoundException or DirectoryNotFoundException
                ? "no such file" : $"cannot be read ({exception.Message.TrimEnd('.')})", exception);
        }
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <param name="data">The whole file.</param>
    /// <param name="name">What messages call it, usually its path.</param>
    /// <exception cref="ImageException">See <see cref="Load"/>.</exception>
    public static LabelMask Decode(ReadOnlySpan<byte> data, string name)
    {
        if (!data.StartsWith(PngInspector.Signature))
            throw new ImageException(name, $"not a PNG; {Remedy}");
        var inspection = PngInspector.Inspect(data);
        if (inspection.Fault is { } fault)
            throw new ImageException(name, fault);
        var (width, height) = (inspection.Width, inspection.Height);
        if ((long)width * height > ImageDecoder.MaxPixels)
            throw new ImageException(name, $"the mask is {width}x{height}, more than the {ImageDecoder.MaxPixels} pixels that are decoded; scale it down");

        var header = data[(PngInspector.Signature.Length + 8)..];
        byte depth = header[8], colour = header[9], compression = header[10], filter = header[11], interlace = header[12];
        if (colour is not (Grey or Palette))
            throw new ImageException(name, $"a mask in {(colour is 2 or 6 ? "RGB" : colour == 4 ? "grey with alpha" : $"colour type {colour}")}, whose values are no classes; {Remedy}");
        if (depth is not (1 or 2 or 4 or 8))
            throw new ImageException(name, $"a mask of {depth} bits a pixel, expected 1, 2, 4 or 8; {Remedy}");
        if (interlace != 0)
            throw new ImageException(name, $"an interlaced PNG ({(interlace == 1 ? "Adam7" : $"method {interlace}")}), which is not read; save the mask without interlacing");
        if (compression != 0 || filter != 0)
            throw new ImageException(name, $"damaged PNG data (compression {compression}, filter method {filter}); replace or remove the file");

        int rowBytes = (width * depth + 7) / 8;
        byte[] rows = Inflate(data, (long)(rowBytes + 1) * height, name);
        Unfilter(rows, rowBytes, height, name);
        return new LabelMask(width, height, Unpack(rows, rowBytes, width, height, depth));
    }

    /// <summary>Writes a mask with a palette. The file appears whole or not at all.</summary>
    /// <param name="mask">The labels, which are the indices.</param>
    /// <param name="path">Where.</param>
    /// <param name="palette">The colour of each of the 256 indices; null for <see cref="VocPalette"/>.</param>
    /// <exception cref="ImageException">The file cannot be written.</exception>
    public static void Save(LabelMask mask, string path, IReadOnlyList<(byte R, byte G, byte B)>? palette = null)
    {
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentException.ThrowIfNullOrEmpty(path);
        PngWriter.Save(path, stream => Write(mask, stream, palette));
    }

    /// <summary>Writes a mask to a stream.</summary>
    /// <inheritdoc cref="Save"/>
    public static void Write(LabelMask mask, Stream stream, IReadOnlyList<(byte R, byte G, byte B)>? palette = null)
    {
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(stream);
        palette ??= VocPalette.Colours;
        var colours = new byte[3 * palette.Count];
        for (int i = 0; i < palette.Count; i++)
            (colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]) = palette[i];
        PngWriter.WriteHeader(stream, mask.Width, mask.Height, Palette);
        PngWriter.WriteChunk(stream, "PLTE"u8, colours);
        PngWriter.WriteChunk(stream, "IDAT"u8, PngWriter.Compress(mask.Labels, mask.Width));
        PngWriter.WriteChunk(stream, "IEND"u8, []);
    }

    /// <summary>The pixels of all data chunks, still filtered: exactly <paramref name="expected"/> bytes.</summary>
    static byte[] Inflate(ReadOnlySpan<byte> data, long expected, string name)
    {
        using var compressed = new MemoryStream();
        for (int position = PngInspector.Signature.Length; position < data.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(data[position..]);
            var type = data.Slice(position + 4, 4);
            if (type.SequenceEqual("IDAT"u8))
                compressed.Write(data.Slice(position + 8, length));
            else if (type.SequenceEqual("IEND"u8))
                break;
            position += 12 + length;
        }
        compressed.Position = 0;
        var rows = new byte[expected];
        try
        {
            using var zlib = new ZLibStream(compressed, CompressionMode.Decompress);
            int read = zlib.ReadAtLeast(rows, rows.Length, throwOnEndOfStream: false);
            if (read < rows.Length)
                throw new ImageException(name, $"damaged PNG data ({read} of {expected} bytes of pixels); replace or remove the file");
            if (zlib.ReadByte() >= 0)       // reading to the end has the checksum looked at, too
                throw new ImageException(name, $"damaged PNG data (more than {expected} bytes of pixels); replace or remove the file");
        }
        catch (InvalidDataException exception)
        {
            throw new ImageException(name, "damaged PNG data (it cannot be decompressed); replace or remove the file", exception);
        }
        return rows;
    }

    /// <summary>Undoes the filters of clause 9, in place; a pixel takes a byte or less, so that "left" is the byte before.</summary>
    static void Unfilter(byte[] rows, int rowBytes, int height, string name)
    {
        Span<byte> above = new byte[rowBytes];
        for (int y = 0; y < height; y++)
        {
            var line = rows.AsSpan(y * (rowBytes + 1), rowBytes + 1);
            byte filter = line[0];
            var row = line[1..];
            byte left = 0, aboveLeft = 0;
            switch (filter)
            {
                case 0:
                    break;
                case 1:
                    for (int i = 0; i < row.Length; i++)
                        left = row[i] += left;
                    break;
                case 2:
                    for (int i = 0; i < row.Length; i++)
                        row[i] += above[i];
                    break;
                case 3:
                    for (int i = 0; i < row.Length; i++)
                        left = row[i] += (byte)((left + above[i]) / 2);
                    break;
                case 4:
                    for (int i = 0; i < row.Length; i++)
                    {
                        left = row[i] += Paeth(left, above[i], aboveLeft);
                        aboveLeft = above[i];
                    }
                    break;
                default:
                    throw new ImageException(name, $"damaged PNG data (filter {filter} in row {y}); replace or remove the file");
            }
            above = row;
        }
    }

    /// <summary>Whichever of the three is nearest to left + above - aboveLeft, in this order.</summary>
    static byte Paeth(byte left, byte above, byte aboveLeft)
    {
        int toLeft = Math.Abs(above - aboveLeft), toAbove = Math.Abs(left - aboveLeft), toBoth = Math.Abs(left + above - 2 * aboveLeft);
        return toLeft <= toAbove && toLeft <= toBoth ? left : toAbove <= toBoth ? above : aboveLeft;
    }

    /// <summary>Pixels of 1, 2, 4 or 8 bits, the leftmost in the high bits.</summary>
    static byte[] Unpack(byte[] rows, int rowBytes, int width, int height, int depth)
    {
        var labels = new byte[width * height];
        int perByte = 8 / depth, mask = (1 << depth) - 1;
        for (int y = 0; y < height; y++)
        {
            var row = rows.AsSpan(y * (rowBytes + 1) + 1, rowBytes);
            var to = labels.AsSpan(y * width, width);
            if (depth == 8)
                row.CopyTo(to);
            else
                for (int x = 0; x < width; x++)
                    to[x] = (byte)(row[x / perByte] >> (perByte - 1 - x % perByte) * depth & mask);
        }
        return labels;
    }
}
