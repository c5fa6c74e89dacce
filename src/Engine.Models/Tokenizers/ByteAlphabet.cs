namespace Engine.Models;

/// <summary>
/// GPT-2's spelling of bytes as characters (Radford et al. 2019): printable ones stand for themselves, the 68 others for
/// the characters from U+0100 on, so that every token of bytes can be written in a JSON text.
/// </summary>
static class ByteAlphabet
{
    static readonly char[] characters = Build();
    static readonly Dictionary<char, byte> bytes = characters.Select((character, index) => (character, index)).ToDictionary(pair => pair.character, pair => (byte)pair.index);

    public static char Character(byte value) => characters[value];

    /// <returns>False if the character stands for no byte.</returns>
    public static bool TryByte(char character, out byte value) => bytes.TryGetValue(character, out value);

    static char[] Build()
    {
        char[] table = new char[256];
        int others = 0;
        for (int i = 0; i < table.Length; i++)
            table[i] = i is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)i : (char)(0x100 + others++);
        return table;
    }
}
