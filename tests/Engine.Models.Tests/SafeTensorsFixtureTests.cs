using System.Buffers.Binary;
using System.Text.Json;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>The cases of tests/Fixtures/io, whose verdicts agree with the reference reader's.</summary>
public sealed class SafeTensorsFixtureTests
{
    public static TheoryData<string, string> Accepted => Cases(accept: true, sharded: false);

    public static TheoryData<string, string> Refused => Cases(accept: false, sharded: false);

    public static TheoryData<string, string> RefusedFolders => Cases(accept: false, sharded: true);

    [Theory, MemberData(nameof(Accepted))]
    public void Lists_what_the_header_says(string file, string why)
    {
        byte[] bytes = File.ReadAllBytes(FixtureFolder.Path("io", file));
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(sizeof(long), headerLength));
        ReadOnlySpan<byte> data = bytes.AsSpan(sizeof(long) + headerLength);

        using SafeTensors opened = SafeTensors.Open(FixtureFolder.Path("io", file));
        int tensors = 0;
        foreach (JsonProperty property in header.RootElement.EnumerateObject())
        {
            if (property.Name == "__metadata__")
            {
                Assert.Equal(
                    property.Value.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!)),
                    opened.Metadata);
                continue;
            }
            SafeTensorItem item = opened.Items[property.Name];
            int begin = property.Value.GetProperty("data_offsets")[0].GetInt32();
            int end = property.Value.GetProperty("data_offsets")[1].GetInt32();
            long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            Assert.Equal(property.Name, item.Name);
            Assert.Equal(property.Value.GetProperty("dtype").GetString(), item.Type.Name());
            Assert.Equal(shape, item.Shape.ToArray());
            Assert.Equal(shape.Aggregate(1L, (product, size) => product * size), item.ElementCount);
            Assert.Equal((begin, end - begin), (item.ByteOffset, item.ByteLength));
            Assert.Equal(data[begin..end], opened.Read(property.Name));
            tensors++;
        }
        Assert.True(tensors == opened.Items.Count, why);
    }

    [Theory, MemberData(nameof(Refused))]
    public void Refuses_in_one_line_that_names_the_file(string file, string why)
    {
        string path = FixtureFolder.Path("io", file);
        AssertOneLine(Assert.Throws<CheckpointException>(() => SafeTensors.Open(path).Dispose()), path, why);
        AssertOneLine(Assert.Throws<CheckpointException>(() => ShardedSafeTensors.Open(path).Dispose()), path, why);
    }

    [Theory, MemberData(nameof(RefusedFolders))]
    public void Refuses_a_folder_in_one_line_that_names_the_index(string folder, string why)
    {
        string index = FixtureFolder.Path("io", folder, "model.safetensors.index.json");
        AssertOneLine(Assert.Throws<CheckpointException>(() => ShardedSafeTensors.Open(FixtureFolder.Path("io", folder)).Dispose()), index, why);
        AssertOneLine(Assert.Throws<CheckpointException>(() => ShardedSafeTensors.Open(index).Dispose()), index, why);
    }

    [Fact]
    public void Covers_every_case_of_the_manifest()
    {
        string[] cases = [.. new[] { Accepted, Refused, RefusedFolders }.SelectMany(data => data).Select(row => row.Data.Item1), "good/sharded"];
        string[] files =
        [
            .. Directory.GetFileSystemEntries(FixtureFolder.Path("io", "good")).Select(path => $"good/{Path.GetFileName(path)}"),
            .. Directory.GetFileSystemEntries(FixtureFolder.Path("io", "bad")).Select(path => $"bad/{Path.GetFileName(path)}"),
        ];
        Assert.Equal(files.Order(StringComparer.Ordinal), cases.Order(StringComparer.Ordinal));
        Assert.Equal(41, files.Length);
    }

    [Theory]
    [InlineData("header_huge", "header too large: it claims 4611686018427387904 bytes")]
    [InlineData("header_100mb_claim", "header too large: it claims 100000001 bytes, the limit is 100000000")]
    [InlineData("header_past_end", "invalid header length: it claims 5000 bytes, the file has 2")]
    [InlineData("header_zero", "invalid header start: the header is empty")]
    [InlineData("json_array", "invalid header start: expected '{', found the byte 0x5B")]
    [InlineData("not_utf8", "not UTF-8")]
    [InlineData("trailing_json", "invalid header")]
    [InlineData("duplicate_key", "tensor \"w\": duplicate key")]
    [InlineData("overlap", "tensor \"b\": invalid offset: it begins at byte 8 inside another tensor, which ends at 16")]
    [InlineData("hole", "tensor \"b\": invalid offset: it begins at byte 16, the tensor before ends at 8")]
    [InlineData("trailing_bytes", "incomplete buffer: the tensors end at byte 24 of the data, the file has 26")]
    [InlineData("truncated_data", "tensor \"w\": incomplete buffer: it ends at byte 24 of the data, the file has 20")]
    [InlineData("shape_mismatch", "tensor \"w\": F32 [5] takes 20 bytes, its data_offsets span 24")]
    [InlineData("shape_overflow", "overflows 64 bits")]
    [InlineData("unknown_dtype", "tensor \"w\": unknown dtype \"F7\"")]
    [InlineData("missing_field", "tensor \"w\": the header lacks its data_offsets")]
    [InlineData("metadata_not_strings", "__metadata__ must hold strings only, \"a\" is Number")]
    public void Says_what_is_wrong(string file, string message) =>
        Assert.Contains(message, Assert.Throws<CheckpointException>(
            () => SafeTensors.Open(FixtureFolder.Path("io", "bad", $"{file}.safetensors")).Dispose()).Message);

    [Theory]
    [InlineData("pickle.bin", "is a pickle")]
    [InlineData("zip.pt", "is a PyTorch zip archive")]
    public void Says_how_to_convert_a_pickle(string file, string what)
    {
        var e = Assert.Throws<CheckpointException>(() => SafeTensors.Open(FixtureFolder.Path("io", "bad", file)).Dispose());
        Assert.Contains(what, e.Message);
        Assert.Contains("safetensors.torch.save_file", e.Message);
    }

    static void AssertOneLine(CheckpointException e, string path, string why)
    {
        Assert.Equal(path, e.FilePath);
        Assert.True(e.Message.StartsWith(path, StringComparison.Ordinal), $"{why}: {e.Message}");
        Assert.DoesNotContain(e.Message, char.IsControl);
        Assert.True(e.Message.Length > path.Length + 10, $"{why}: {e.Message}");
    }

    static TheoryData<string, string> Cases(bool accept, bool sharded)
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(FixtureFolder.Path("io", "manifest.json")));
        TheoryData<string, string> cases = [];
        foreach (JsonElement entry in manifest.RootElement.EnumerateArray())
        {
            if (entry.GetProperty("accept").GetBoolean() == accept && entry.TryGetProperty("sharded", out _) == sharded)
                cases.Add(entry.GetProperty("file").GetString()!, entry.GetProperty("why").GetString()!);
        }
        return cases;
    }
}
