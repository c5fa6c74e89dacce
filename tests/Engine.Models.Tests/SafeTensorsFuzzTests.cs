using System.Buffers.Binary;
using System.Text;
using Engine.Testing;
using FsCheck;
using FsCheck.Fluent;

namespace Engine.Models.Tests;

/// <summary>Damaged files either open and read whole, or are refused with a CheckpointException; never anything else.</summary>
public sealed class SafeTensorsFuzzTests : IDisposable
{
    static readonly byte[][] Good =
    [
        .. new[] { "every_dtype", "metadata", "scalar_and_empty", "out_of_order", "unicode_name" }
            .Select(name => File.ReadAllBytes(FixtureFolder.Path("io", "good", $"{name}.safetensors"))),
    ];

    /// <summary>Pieces that headers are made of, so that damage reaches behind the JSON reader.</summary>
    static readonly string[] Tokens =
    [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "0", "9", "-", ".", "e", "null", "true", "[]", "{}", " ", "\n", "\0", "\\ud800", "\u5c42",
        "9223372036854775807", "18446744073709551616", "\"dtype\"", "\"shape\":[0],", "\"data_offsets\":[0,0],", "F4", "F32", "U8", "__metadata__",
    ];

    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Survives_flipped_bytes() => Check<int, (int Position, byte Value)[]>(2000, Flip);

    void Flip(int file, (int Position, byte Value)[] flips)
    {
        byte[] bytes = [.. Good[Index(file, Good.Length)]];
        foreach (var (position, value) in flips)
            bytes[Index(position * 7919, bytes.Length)] = value;
        OpensOrRefuses(bytes);
    }

    [Fact]
    public void Survives_truncation_and_growth() => Check<(int File, int Length), byte[]>(1000, Cut);

    void Cut((int File, int Length) cut, byte[] tail)
    {
        byte[] bytes = Good[Index(cut.File, Good.Length)];
        OpensOrRefuses([.. bytes.AsSpan(0, Index(cut.Length * 7919, bytes.Length + 1)), .. tail]);
    }

    [Fact]
    public void Survives_edited_headers() => Check<int, (int Position, byte Remove, int Token)[]>(4000, Edit);

    void Edit(int file, (int Position, byte Remove, int Token)[] edits)
    {
        byte[] bytes = Good[Index(file, Good.Length)];
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        StringBuilder header = new(Encoding.UTF8.GetString(bytes, 8, length));
        foreach (var (position, remove, token) in edits)
        {
            int at = Index(position * 7919, header.Length + 1);
            header.Remove(at, Math.Min(remove % 8, header.Length - at)).Insert(at, Tokens[Index(token, Tokens.Length)]);
        }
        byte[] json = Encoding.UTF8.GetBytes(header.ToString());
        byte[] size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, json.Length);
        OpensOrRefuses([.. size, .. json, .. bytes.AsSpan(8 + length)]);
    }

    [Fact]
    public void Reads_back_what_it_wrote() => Check<(string? Name, int Type, byte[] Shape)[], Dictionary<string, string?>>(300, WriteAndRead);

    void WriteAndRead((string? Name, int Type, byte[] Shape)[] tensors, Dictionary<string, string?> metadata)
    {
        Dictionary<string, SafeTensorItem> items = [];
        foreach (var (name, type, sizes) in tensors)
        {
            if (name is null or "__metadata__" || !IsUnicode(name))
                continue;
            // Up to three sizes below 5, the last a multiple of 4 so that packed types fill whole bytes.
            long[] shape = [.. sizes.Take(2).Select(size => (long)size % 5), 4 * (sizes.Length % 3)];
            items[name] = new SafeTensorItem(name, (SafeTensorType)Index(type, (int)SafeTensorType.U64 + 1), shape);
        }
        Dictionary<string, string> texts = metadata.Where(pair => pair.Value is not null && IsUnicode(pair.Key) && IsUnicode(pair.Value)).ToDictionary(pair => pair.Key, pair => pair.Value!);
        byte[] Data(SafeTensorItem item)
        {
            byte[] data = new byte[item.ByteLength];
            new Random(item.Name.Length).NextBytes(data);
            return data;
        }

        SafeTensors.Create(scratch["f.safetensors"], w =>
        {
            foreach (SafeTensorItem item in items.Values)
                w.Write(item.Name, item.Type, item.Shape, Data(item));
        }, texts, TensorOrder.Reference);

        using SafeTensors file = SafeTensors.Open(scratch["f.safetensors"]);
        Assert.Equal(texts, file.Metadata);
        Assert.Equal(items.Keys.Order(StringComparer.Ordinal), file.Items.Keys.Order(StringComparer.Ordinal));
        foreach (SafeTensorItem item in items.Values)
        {
            Assert.Equal(item.ToString(), file.Items[item.Name].ToString());
            Assert.Equal(Data(item), file.Read(item.Name));
            Assert.Equal(0, file.Items[item.Name].ByteOffset * 8 % Math.Max(item.Type.Bits(), 8));
        }
    }

    static void Check<TFirst, TSecond>(int runs, Action<TFirst, TSecond> body) =>
        Prop.ForAll(body).Check(Config.QuickThrowOnFailure.WithMaxTest(runs));

    void OpensOrRefuses(byte[] bytes)
    {
        string path = scratch["f.safetensors"];
        File.WriteAllBytes(path, bytes);
        try
        {
            using SafeTensors file = SafeTensors.Open(path);
            long covered = 0;
            foreach (SafeTensorItem item in file.Items.Values)
            {
                Assert.Equal(covered, item.ByteOffset);
                covered += file.Read(item.Name).Length;
            }
            Assert.Equal(bytes[^(int)covered..], file.Items.Values.SelectMany(item => file.Read(item.Name).ToArray()).ToArray());
        }
        catch (CheckpointException e)
        {
            Assert.StartsWith(path, e.Message);
            Assert.DoesNotContain(e.Message, char.IsControl);
        }
    }

    static int Index(int value, int length) => (int)((uint)value % (uint)length);

    static bool IsUnicode(string text) => text.EnumerateRunes().All(rune => rune.Value != 0xFFFD);
}
