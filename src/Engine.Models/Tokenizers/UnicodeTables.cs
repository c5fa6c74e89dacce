using System.Globalization;

namespace Engine.Models;

/// <summary>What Unicode says of single characters; see normalization.txt, which is read at the first use.</summary>
sealed class UnicodeTables
{
    readonly Dictionary<int, int[]> canonical = [], compatible = [];
    readonly Dictionary<long, int> joined = [];
    readonly Dictionary<int, int> classes = [];

    UnicodeTables()
    {
    }

    public static UnicodeTables Read()
    {
        UnicodeTables tables = new();
        using Stream stream = typeof(UnicodeTables).Assembly.GetManifestResourceStream("normalization.txt")!;
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is { } line)
            if (line[0] != '#') tables.Add(line);
        return tables;
    }

    /// <summary>What a character is made of, one step down; null if of itself alone.</summary>
    /// <param name="character">The character.</param>
    /// <param name="asCompatible">Whether also what only looks otherwise is taken apart: a ligature, a number in a circle.</param>
    public int[]? Parts(int character, bool asCompatible) =>
        canonical.TryGetValue(character, out int[]? parts) || (asCompatible && compatible.TryGetValue(character, out parts)) ? parts : null;

    /// <summary>What two characters become together, if anything.</summary>
    public int? Joined(int first, int second) => joined.TryGetValue(Key(first, second), out int whole) ? whole : null;

    /// <summary>The combining class: 0 for a letter, other numbers for marks, which may change places with those of others.</summary>
    public int Class(int character) => classes.GetValueOrDefault(character);

    // 00C5 0041 030A, *212B 00C5, ~00A0 0020 or 0300..0314 230.
    void Add(string line)
    {
        string[] words = line.Split(' ');
        if (words[0].Contains("..", StringComparison.Ordinal))
        {
            int rank = int.Parse(words[1], CultureInfo.InvariantCulture);
            for (int character = Number(words[0][..words[0].IndexOf('.')]); character <= Number(words[0][(words[0].LastIndexOf('.') + 1)..]); character++) classes.Add(character, rank);
            return;
        }

        int whole = Number(words[0].TrimStart('*', '~'));
        int[] parts = Array.ConvertAll(words[1..], Number);
        (line[0] == '~' ? compatible : canonical).Add(whole, parts);
        if (line[0] is not ('*' or '~')) joined.Add(Key(parts[0], parts[1]), whole);
    }

    static int Number(string hexadecimal) => int.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    static long Key(int first, int second) => ((long)first << 32) | (uint)second;
}
