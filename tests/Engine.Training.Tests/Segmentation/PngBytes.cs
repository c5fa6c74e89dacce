using System.Buffers.Binary;
using System.IO.Compression;

namespace Engine.Training.Tests;

/// <summary>Makes PNG files of one channel chunk by chunk, right or wrong, without the writer under test.</summary>
sealed record PngBytes
{
    public int Width { get; init; } = 5;

    public int Height { get; init; } = 4;

    public byte Depth { get; init; } = 8;

    public byte Colour { get; init; } = 3;

    public byte Interlace { get; init; }

    /// <summary>The filter of a row.</summary>
    public Func<int, byte> Filter { get; init; } = _ => 0;

    /// <summary>The label at a place.</summary>
    public Func<int, int, int> Label { get; init; } = (x, y) => x + y;

    /// <summary>Bytes left out of, or added to, the pixels.</summary>
    public int Missing { get; init; }

    public byte[] Make()
    {
        using MemoryStream file = new();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), Height);
        (header[8], header[9], header[12]) = (Depth, Colour, Interlace);
        Chunk(file, "IHDR", header);
        if (Colour == 3) Chunk(file, "PLTE", [0, 0, 0, 128, 0, 0]);
        byte[] compressed = Compress(Rows());
        Chunk(file, "IDAT", compressed[..(compressed.Length / 2)]);
        Chunk(file, "IDAT", compressed[(compressed.Length / 2)..]);
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    byte[] Rows()
    {
        List<byte> all = [];
        byte[] above = new byte[(Width * Depth + 7) / 8];
        for (int y = 0; y < Height; y++)
        {
            byte[] row = new byte[above.Length];
            for (int x = 0; x < Width; x++)
                row[x * Depth / 8] |= (byte)(Label(x, y) << 8 - Depth - x * Depth % 8);
            all.Add(Filter(y));
            for (int i = 0; i < row.Length; i++)
            {
                int left = i > 0 ? row[i - 1] : 0, up = above[i], corner = i > 0 ? above[i - 1] : 0;
                int estimate = left + up - corner;
                int paeth = new[] { left, up, corner }.MinBy(value => Math.Abs(estimate - value));
                all.Add((byte)(row[i] - (Filter(y) switch { 1 => left, 2 => up, 3 => (left + up) / 2, 4 => paeth, _ => 0 })));
            }
            above = row;
        }
        return Missing >= 0 ? [.. all[..^Missing]] : [.. all, .. new byte[-Missing]];
    }

    static byte[] Compress(byte[] rows)
    {
        using MemoryStream memory = new();
        using (ZLibStream zlib = new(memory, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(rows);
        return memory.ToArray();
    }

    static void Chunk(Stream file, string type, byte[] content)
    {
        byte[] body = [.. type.Select(letter => (byte)letter), .. content], number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.Of(body));
        file.Write(number);
    }
}
