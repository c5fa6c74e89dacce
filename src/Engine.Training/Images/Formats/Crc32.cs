namespace Engine.Training;

/// <summary>The checksum of PNG chunks (ISO 15948, annex D): CRC-32, polynomial 0xEDB88320 reflected, eight bytes a step.</summary>
static class Crc32
{
    static readonly uint[] Table = MakeTable();

    public static uint Of(ReadOnlySpan<byte> data)
    {
        // "Slicing by eight" (Kounavis and Berry 2005): table k holds the effect of a byte k places before the end.
        uint crc = 0xFFFFFFFF;
        uint[] table = Table;
        while (data.Length >= 8)
        {
            crc ^= (uint)(data[0] | data[1] << 8 | data[2] << 16 | data[3] << 24);
            crc = table[7 * 256 + (byte)crc] ^ table[6 * 256 + (byte)(crc >> 8)]
                ^ table[5 * 256 + (byte)(crc >> 16)] ^ table[4 * 256 + (byte)(crc >> 24)]
                ^ table[3 * 256 + data[4]] ^ table[2 * 256 + data[5]]
                ^ table[256 + data[6]] ^ table[data[7]];
            data = data[8..];
        }
        foreach (byte value in data)
            crc = table[(byte)(crc ^ value)] ^ crc >> 8;
        return ~crc;
    }

    static uint[] MakeTable()
    {
        var table = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
            table[i] = crc;
        }
        for (int i = 256; i < table.Length; i++)
            table[i] = table[(byte)table[i - 256]] ^ table[i - 256] >> 8;
        return table;
    }
}
