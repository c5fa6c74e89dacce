using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace Engine.Models;

/// <summary>
/// The header of a safetensors file, as strict as the reference reader or stricter: 8 bytes of little-endian length,
/// then one JSON object that names every tensor, with trailing spaces. Nothing is allocated on the word of the file
/// before that word was checked against the file's length.
/// </summary>
sealed class SafeTensorsHeader
{
    /// <summary>The reference reader's limit on a header, in bytes.</summary>
    public const int LargestHeader = 100_000_000;

    /// <summary>The key of the metadata, which no tensor may bear.</summary>
    public const string MetadataKey = "__metadata__";

    /// <summary>Bytes before the header: its length.</summary>
    public const int LengthField = sizeof(ulong);

    // A header needs three levels; fields we do not know may be deeper. The reader keeps no stack of its own beyond bits.
    static readonly JsonReaderOptions Strict = new() { MaxDepth = 64, CommentHandling = JsonCommentHandling.Disallow };

    readonly string path;
    readonly List<(SafeTensorItem Item, long Begin, long End)> found = [];
    readonly HashSet<string> names = [];

    SafeTensorsHeader(string path) => this.path = path;

    /// <summary>The tensors in the order of their data.</summary>
    public OrderedDictionary<string, SafeTensorItem> Items { get; } = [];

    /// <summary>The metadata in the order of the file.</summary>
    public OrderedDictionary<string, string> Metadata { get; } = [];

    /// <summary>Where the data begin, from the start of the file.</summary>
    public long DataStart { get; private init; }

    /// <exception cref="CheckpointException">The file breaks a rule of the format.</exception>
    public static SafeTensorsHeader Read(SafeFileHandle file, string path)
    {
        long fileLength = RandomAccess.GetLength(file);
        Span<byte> start = stackalloc byte[16];
        start = start[..ReadFully(file, start, 0)];
        if (ForeignFormat.Recognise(start) is string other)
            throw new CheckpointException(path, other);
        if (start.Length < LengthField)
            throw new CheckpointException(path, $"header too small: {fileLength} bytes, fewer than the {LengthField} of the header length; the file is cut off or no safetensors file");

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (length > LargestHeader)
            throw new CheckpointException(path, $"header too large: it claims {length} bytes, the limit is {LargestHeader}; this is no safetensors file");
        if ((long)length > fileLength - LengthField)
            throw new CheckpointException(path, $"invalid header length: it claims {length} bytes, the file has {fileLength - LengthField} after the length; the file is cut off or no safetensors file");

        byte[] json = new byte[(int)length];
        if (ReadFully(file, json, LengthField) < json.Length)
            throw new CheckpointException(path, "the file was cut off while it was read");
        SafeTensorsHeader header = new(path) { DataStart = LengthField + (long)length };
        header.Parse(json);
        header.Cover(fileLength - header.DataStart);
        return header;
    }

    static int ReadFully(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int total = 0;
        while (total < buffer.Length && RandomAccess.Read(file, buffer[total..], offset + total) is int read and > 0)
            total += read;
        return total;
    }

    void Parse(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty || json[0] != '{')
            throw new CheckpointException(path, json.IsEmpty
                ? "invalid header start: the header is empty, expected '{'"
                : $"invalid header start: expected '{{', found the byte 0x{json[0]:X2}");
        if (!Utf8.IsValid(json))
            throw new CheckpointException(path, "invalid header: it is not UTF-8");

        Utf8JsonReader reader = new(json, Strict);
        try
        {
            reader.Read();
            while (NextKey(ref reader) is string key)
            {
                if (!names.Add(key))
                    throw new CheckpointException(path, "duplicate key: the header names it twice", key);
                reader.Read();
                if (key == MetadataKey)
                    ParseMetadata(ref reader);
                else
                    ParseTensor(ref reader, key);
            }
        }
        catch (JsonException e)
        {
            throw new CheckpointException(path, $"invalid header: it is not JSON of the format ({e.Message})", innerException: e);
        }
        if (json[(int)reader.BytesConsumed..].ContainsAnyExcept((byte)' '))
            throw new CheckpointException(path, "invalid header: only spaces may follow its JSON object");
    }

    /// <summary>The next key of the object, or null at its end.</summary>
    string? NextKey(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.EndObject ? null : Text(ref reader, null);
    }

    string Text(ref Utf8JsonReader reader, string? tensor)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)      // an escape such as \ud800 that is half a character
        {
            throw new CheckpointException(path, "invalid header: a text holds an unpaired surrogate", tensor, e);
        }
    }

    void ParseMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)        // the reference reader takes null for none
            return;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new CheckpointException(path, $"{MetadataKey} must be an object of strings, found {reader.TokenType}");
        while (NextKey(ref reader) is string key)
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new CheckpointException(path, $"{MetadataKey} must hold strings only, \"{key}\" is {reader.TokenType}");
            if (!Metadata.TryAdd(key, Text(ref reader, null)))
                throw new CheckpointException(path, $"duplicate key: {MetadataKey} names \"{key}\" twice");
        }
    }

    void ParseTensor(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new CheckpointException(path, $"expected an object with dtype, shape and data_offsets, found {reader.TokenType}", name);
        SafeTensorType? type = null;
        long[]? shape = null, offsets = null;
        while (NextKey(ref reader) is string field)
        {
            reader.Read();
            bool again = false;
            switch (field)
            {
                case "dtype":
                    again = type is not null;
                    type = ParseType(ref reader, name);
                    break;
                case "shape":
                    again = shape is not null;
                    shape = ParseSizes(ref reader, name, field);
                    break;
                case "data_offsets":
                    again = offsets is not null;
                    offsets = ParseSizes(ref reader, name, field);
                    break;
                default:
                    reader.Skip();                          // as the reference reader does
                    break;
            }
            if (again)
                throw new CheckpointException(path, $"duplicate key: the header gives its {field} twice", name);
        }

        if (type is null || shape is null || offsets is null)
            throw new CheckpointException(path, $"the header lacks its {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")}", name);
        if (offsets.Length != 2 || offsets[0] > offsets[1])
            throw new CheckpointException(path, $"invalid offset: data_offsets must be [begin, end], found [{string.Join(", ", offsets)}]", name);
        if (SafeTensorItem.Measure(type.Value, shape, out _, out long bytes) is string problem)
            throw new CheckpointException(path, problem, name);
        if (bytes != offsets[1] - offsets[0])
            throw new CheckpointException(path, $"{SafeTensorItem.Describe(type.Value, shape)} takes {bytes} bytes, its data_offsets span {offsets[1] - offsets[0]}", name);
        found.Add((new SafeTensorItem(name, type.Value, shape), offsets[0], offsets[1]));
    }

    SafeTensorType ParseType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new CheckpointException(path, $"dtype must be a string, found {reader.TokenType}", name);
        string text = Text(ref reader, name);
        return SafeTensorTypes.TryParse(text, out SafeTensorType type)
            ? type
            : throw new CheckpointException(path, $"unknown dtype \"{text}\"; known are {string.Join(", ", Enum.GetNames<SafeTensorType>())}", name);
    }

    long[] ParseSizes(ref Utf8JsonReader reader, string name, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new CheckpointException(path, $"{field} must be an array of non-negative integers, found {reader.TokenType}", name);
        List<long> sizes = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || reader.ValueSpan[0] == '-' || !reader.TryGetInt64(out long size))
                throw new CheckpointException(path, $"{field} must hold non-negative integers below 2^63, found {Shown(ref reader)}", name);
            sizes.Add(size);
        }
        return [.. sizes];
    }

    static string Shown(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Number ? Encoding.UTF8.GetString(reader.ValueSpan) : reader.TokenType.ToString();

    /// <summary>The data must be covered by the tensors without a hole, an overlap or a rest.</summary>
    void Cover(long dataLength)
    {
        long end = 0;
        foreach (var (item, begin, itemEnd) in found.OrderBy(t => t.Begin).ThenBy(t => t.End))      // stable
        {
            if (begin != end)
                throw new CheckpointException(path, begin > end
                    ? $"invalid offset: it begins at byte {begin}, the tensor before ends at {end}; the bytes between belong to no tensor"
                    : $"invalid offset: it begins at byte {begin} inside another tensor, which ends at {end}", item.Name);
            if (itemEnd > dataLength)
                throw new CheckpointException(path, $"incomplete buffer: it ends at byte {itemEnd} of the data, the file has {dataLength}; the file is cut off, fetch it again", item.Name);
            Items.Add(item.Name, item.At(begin));
            end = itemEnd;
        }
        if (end != dataLength)
            throw new CheckpointException(path, $"incomplete buffer: the tensors end at byte {end} of the data, the file has {dataLength}; the bytes after belong to no tensor");
    }
}
