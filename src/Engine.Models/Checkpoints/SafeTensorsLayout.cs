using System.Globalization;
using System.Text;

namespace Engine.Models;

/// <summary>Gives tensors their places in a file and writes the header that says so, byte for byte as the reference writer.</summary>
static class SafeTensorsLayout
{
    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The items in their order in the file, each with its offset.</summary>
    /// <exception cref="CheckpointException">A name occurs twice or is reserved; or the data pass 2^63 - 1 bytes.</exception>
    public static OrderedDictionary<string, SafeTensorItem> Place(string path, IEnumerable<SafeTensorItem> items, TensorOrder order)
    {
        if (order == TensorOrder.Reference)
        {
            items = items.OrderByDescending(item => item.Type)
                .ThenBy(item => Encoding.UTF8.GetBytes(item.Name), Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        }
        OrderedDictionary<string, SafeTensorItem> placed = [];
        long end = 0;
        foreach (SafeTensorItem item in items)
        {
            if (item.Name == SafeTensorsHeader.MetadataKey)
                throw new CheckpointException(path, "the format reserves this name; name the tensor otherwise", item.Name);
            if (!placed.TryAdd(item.Name, item.At(end)))
                throw new CheckpointException(path, "two tensors have this name", item.Name);
            if (item.ByteLength > long.MaxValue - SafeTensorsHeader.LargestHeader - end)
                throw new CheckpointException(path, "the tensors up to this one pass 2^63 bytes", item.Name);
            end += item.ByteLength;
        }
        return placed;
    }

    /// <summary>The length field and the header, padded with spaces to a multiple of 8 bytes.</summary>
    /// <exception cref="CheckpointException">The header passes the format's limit, or a text is not valid Unicode.</exception>
    public static byte[] Header(string path, IEnumerable<SafeTensorItem> items, IEnumerable<KeyValuePair<string, string>>? metadata)
    {
        StringBuilder json = new("{");
        AppendMetadata(path, json, metadata);
        foreach (SafeTensorItem item in items)
        {
            Separate(json);
            AppendText(json, item.Name);
            json.Append(CultureInfo.InvariantCulture, $":{{\"dtype\":\"{item.Type.Name()}\",\"shape\":[");
            for (int axis = 0; axis < item.Shape.Length; axis++)
                json.Append(axis == 0 ? "" : ",").Append(item.Shape[axis]);
            json.Append(CultureInfo.InvariantCulture, $"],\"data_offsets\":[{item.ByteOffset},{item.ByteOffset + item.ByteLength}]}}");
        }
        json.Append('}');

        string text = json.ToString();
        try
        {
            int length = (Utf8.GetByteCount(text) + 7) / 8 * 8;
            if (length > SafeTensorsHeader.LargestHeader)
                throw new CheckpointException(path, $"header too large: {length} bytes, the limit is {SafeTensorsHeader.LargestHeader}; shorten the metadata or write several files");
            byte[] bytes = new byte[SafeTensorsHeader.LengthField + length];
            bytes.AsSpan().Fill((byte)' ');
            BitConverter.TryWriteBytes(bytes, (long)length);
            Utf8.GetBytes(text, bytes.AsSpan(SafeTensorsHeader.LengthField));
            return bytes;
        }
        catch (EncoderFallbackException e)
        {
            throw new CheckpointException(path, "a tensor's name or a metadata text holds an unpaired surrogate, which UTF-8 cannot write", innerException: e);
        }
    }

    static void AppendMetadata(string path, StringBuilder json, IEnumerable<KeyValuePair<string, string>>? metadata)
    {
        HashSet<string> keys = [];
        foreach (var (key, value) in metadata ?? [])
        {
            json.Append(keys.Count == 0 ? $"\"{SafeTensorsHeader.MetadataKey}\":{{" : ",");
            if (!keys.Add(key))
                throw new CheckpointException(path, $"the metadata name \"{key}\" twice");
            AppendText(json, key);
            json.Append(':');
            AppendText(json, value ?? throw new ArgumentException($"The metadata text \"{key}\" is null.", nameof(metadata)));
        }
        if (keys.Count > 0)
            json.Append('}');
    }

    static void Separate(StringBuilder json)
    {
        if (json.Length > 1)
            json.Append(',');
    }

    /// <summary>Escapes what JSON demands and nothing else, as the reference writer does; Utf8JsonWriter escapes more.</summary>
    static void AppendText(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
        {
            string? escape = c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' => $"\\u{(int)c:x4}",
                _ => null,
            };
            if (escape is null)
                json.Append(c);
            else
                json.Append(escape);
        }
        json.Append('"');
    }
}
