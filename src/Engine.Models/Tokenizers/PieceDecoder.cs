using System.Globalization;
using System.Text;

namespace Engine.Models;

/// <summary>How the pieces of a vocabulary spell text.</summary>
enum PieceSpelling
{
    /// <summary>A character of <see cref="ByteAlphabet"/> for every byte.</summary>
    Bytes,

    /// <summary>Text with U+2581 for a space, and <c>&lt;0x0A&gt;</c> for a byte that no piece has.</summary>
    Marked,
}

/// <summary>Tokens to text.</summary>
sealed class PieceDecoder
{
    public const char SpaceMark = '\u2581';

    readonly byte[]?[] pieces;
    readonly bool stripsFirstSpace;

    /// <param name="vocabulary">The pieces and their numbers.</param>
    /// <param name="added">Tokens beside them; special ones give no text.</param>
    /// <param name="spelling">How the pieces spell text.</param>
    /// <param name="stripsFirstSpace">Whether encoding has put a space before the text.</param>
    public PieceDecoder(IEnumerable<KeyValuePair<string, int>> vocabulary, IReadOnlyCollection<AddedToken> added, PieceSpelling spelling, bool stripsFirstSpace)
    {
        this.stripsFirstSpace = stripsFirstSpace;
        List<byte[]?> table = [];
        foreach ((string piece, int id) in vocabulary) Put(id, spelling == PieceSpelling.Bytes ? BytesOf(piece) : MarkedBytes(piece));
        foreach (AddedToken token in added) Put(token.Id, token.Special ? [] : Encoding.UTF8.GetBytes(token.Content));
        pieces = [.. table];

        void Put(int id, byte[] bytes)
        {
            while (table.Count <= id) table.Add(null);
            table[id] = bytes;
        }
    }

    /// <summary>The largest number plus one.</summary>
    public int Size => pieces.Length;

    public string Decode(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        using MemoryStream bytes = new();
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)pieces.Length)
                throw new ArgumentOutOfRangeException(nameof(tokens), $"Token {token} is not in the vocabulary of {pieces.Length}.");
            bytes.Write(pieces[token] ?? throw new ArgumentOutOfRangeException(nameof(tokens), $"Token {token} is a gap in the vocabulary: nothing bears that number."));
        }
        ReadOnlySpan<byte> text = bytes.GetBuffer().AsSpan(0, (int)bytes.Length);
        return Encoding.UTF8.GetString(stripsFirstSpace && text is [(byte)' ', ..] ? text[1..] : text);
    }

    static byte[] BytesOf(string piece)
    {
        byte[] bytes = new byte[piece.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            // A piece with a character that stands for no byte was added to the vocabulary by hand: it is text.
            if (!ByteAlphabet.TryByte(piece[i], out bytes[i])) return Encoding.UTF8.GetBytes(piece);
        }
        return bytes;
    }

    static byte[] MarkedBytes(string piece) =>
        ByteOf(piece) is { } value ? [value] : Encoding.UTF8.GetBytes(piece.Replace(SpaceMark, ' '));

    static byte? ByteOf(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : null;

    /// <summary>How a byte is spelled that no piece has.</summary>
    public static string ByteFallback(byte value) => $"<0x{value:X2}>";
}
