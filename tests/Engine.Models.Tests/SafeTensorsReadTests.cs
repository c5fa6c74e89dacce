using System.Runtime.InteropServices;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class SafeTensorsReadTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Enumerates_in_the_order_of_the_data()
    {
        using SafeTensors file = SafeTensors.Open(FixtureFolder.Path("io", "good", "out_of_order.safetensors"));
        Assert.Equal(["a", "b"], file.Items.Keys);
    }

    [Fact]
    public void Reads_elements_without_a_copy_where_they_lie_aligned()
    {
        string path = scratch["aligned.safetensors"];
        SafeTensors.Create(path, w => w.Write<float>("w", [2, 2], [1.5f, -2f, 3f, float.NaN]));
        using SafeTensors file = SafeTensors.Open(path);
        ReadOnlySpan<float> elements = file.Read<float>("w");
        Assert.Equal([1.5f, -2f, 3f, float.NaN], elements.ToArray());
        Assert.True(MemoryMarshal.AsBytes(elements).Overlaps(file.Read("w"), out int offset) && offset == 0);
    }

    [Fact]
    public void Copies_elements_that_lie_misaligned()
    {
        const string Json = """{"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}""";
        using SafeTensors file = SafeTensors.Open(scratch.Raw(Json.PadRight(56), 24, "even.safetensors"));
        using SafeTensors misaligned = SafeTensors.Open(scratch.Raw(Json.PadRight(57), 24, "odd.safetensors"));
        Assert.Equal(file.Read<float>("w"), misaligned.Read<float>("w"));
        Assert.True(MemoryMarshal.AsBytes(file.Read<float>("w")).Overlaps(file.Read("w")));
        Assert.False(MemoryMarshal.AsBytes(misaligned.Read<float>("w")).Overlaps(misaligned.Read("w")));
    }

    [Fact]
    public void Reads_every_type_as_its_dotnet_type()
    {
        string path = scratch["types.safetensors"];
        SafeTensors.Create(path, w =>
        {
            w.Write<double>("f64", [2], [Math.PI, double.MinValue]);
            w.Write<long>("i64", [2], [long.MinValue, 7]);
            w.Write<ulong>("u64", [1], [ulong.MaxValue]);
            w.Write<int>("i32", [1], [int.MinValue]);
            w.Write<uint>("u32", [1], [uint.MaxValue]);
            w.Write<short>("i16", [1], [short.MinValue]);
            w.Write<ushort>("u16", [1], [ushort.MaxValue]);
            w.Write<Half>("f16", [2], [Half.Epsilon, Half.MaxValue]);
            w.Write<ushort>("bf16", SafeTensorType.BF16, [1], [0x3F80]);
            w.Write<sbyte>("i8", [1], [sbyte.MinValue]);
            w.Write<byte>("u8", [1], [255]);
            w.Write<byte>("f8", SafeTensorType.F8_E4M3, [1], [0x38]);
            w.Write<bool>("bool", [2], [true, false]);
        }, order: TensorOrder.Reference);
        using SafeTensors file = SafeTensors.Open(path);
        Assert.Equal([Math.PI, double.MinValue], file.Read<double>("f64").ToArray());
        Assert.Equal([long.MinValue, 7], file.Read<long>("i64").ToArray());
        Assert.Equal([ulong.MaxValue], file.Read<ulong>("u64").ToArray());
        Assert.Equal([int.MinValue], file.Read<int>("i32").ToArray());
        Assert.Equal([uint.MaxValue], file.Read<uint>("u32").ToArray());
        Assert.Equal([short.MinValue], file.Read<short>("i16").ToArray());
        Assert.Equal([ushort.MaxValue], file.Read<ushort>("u16").ToArray());
        Assert.Equal([Half.Epsilon, Half.MaxValue], file.Read<Half>("f16").ToArray());
        Assert.Equal([(ushort)0x3F80], file.Read<ushort>("bf16").ToArray());
        Assert.Equal([sbyte.MinValue], file.Read<sbyte>("i8").ToArray());
        Assert.Equal([(byte)255], file.Read<byte>("u8").ToArray());
        Assert.Equal([(byte)0x38], file.Read<byte>("f8").ToArray());
        Assert.Equal([true, false], file.Read<bool>("bool").ToArray());
        Assert.Equal(["u64", "i64", "f64", "u32", "i32", "bf16", "f16", "u16", "i16", "f8", "i8", "u8", "bool"], file.Items.Keys);
    }

    [Fact]
    public void Refuses_to_read_a_type_as_another()
    {
        using SafeTensors file = SafeTensors.Open(FixtureFolder.Path("io", "good", "every_dtype.safetensors"));
        Assert.Equal("bf16", Assert.Throws<CheckpointException>(() => { file.Read<float>("bf16"); }).TensorName);
        Assert.Throws<CheckpointException>(() => { file.Read<Half>("bf16"); });
        Assert.Throws<CheckpointException>(() => { file.Read<int>("f32"); });
        Assert.Throws<CheckpointException>(() => { file.Read<byte>("f32"); });
        Assert.Throws<CheckpointException>(() => { file.Read<long>("f64"); });
    }

    [Fact]
    public void Refuses_a_boolean_that_is_neither_0_nor_1()
    {
        string path = scratch.Raw("""{"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""", 3);
        using SafeTensors file = SafeTensors.Open(path);
        Assert.Contains("neither 0 nor 1", Assert.Throws<CheckpointException>(() => { file.Read<bool>("b"); }).Message);
        Assert.Equal([(byte)0, (byte)1, (byte)2], file.Read<byte>("b").ToArray());
    }

    [Theory]
    [InlineData("F4", 4, 2)]
    [InlineData("F6_E2M3", 4, 3)]
    [InlineData("F6_E3M2", 8, 6)]
    [InlineData("F8_E8M0", 5, 5)]
    [InlineData("F8_E4M3FNUZ", 5, 5)]
    [InlineData("F8_E5M2FNUZ", 5, 5)]
    [InlineData("C64", 2, 16)]
    public void Lists_packed_and_rare_types(string type, long elements, int bytes)
    {
        string path = scratch.Raw($$$"""{"w":{"dtype":"{{{type}}}","shape":[{{{elements}}}],"data_offsets":[0,{{{bytes}}}]}}""", bytes);
        using SafeTensors file = SafeTensors.Open(path);
        Assert.Equal((type, elements, bytes), (file.Items["w"].Type.Name(), file.Items["w"].ElementCount, file.Read("w").Length));
    }

    [Fact]
    public void Refuses_packed_elements_that_fill_no_whole_byte()
    {
        string path = scratch.Raw("""{"w":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""", 2);
        Assert.Contains("12 bits", Assert.Throws<CheckpointException>(() => SafeTensors.Open(path).Dispose()).Message);
    }

    [Theory]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"extra":{"deep":[1,[2]]}}}""")]
    [InlineData("""{"__metadata__":null,"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{ "w" : { "shape" : [ 2 ] , "dtype" : "U8" , "data_offsets" : [ 0 , 2 ] } }   """)]
    public void Accepts_what_the_reference_accepts(string header)
    {
        using SafeTensors file = SafeTensors.Open(scratch.Raw(header, 2));
        Assert.Equal([(byte)0, (byte)1], file.Read("w").ToArray());
        Assert.Empty(file.Metadata);
    }

    [Theory]
    [InlineData(""" {"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("{\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}\n")]
    [InlineData("{\"w\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}\0")]
    [InlineData("""{"w":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"u8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"4","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":4,"shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":2,"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":["2"],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2e0],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[-0,2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,18446744073709551616]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2,],"data_offsets":[0,2]}}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]} """)]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}/**/}""")]
    [InlineData("""{"w":null}""")]
    [InlineData("""{"w":["U8",[2],[0,2]]}""")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"__metadata__":{"a":null},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"__metadata__":[],"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"__metadata__":{},"__metadata__":{},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    [InlineData("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""")]
    public void Refuses_a_malformed_header(string header)
    {
        string path = scratch.Raw(header, 2);
        var e = Assert.Throws<CheckpointException>(() => SafeTensors.Open(path).Dispose());
        Assert.StartsWith(path, e.Message);
    }

    [Fact]
    public void Keeps_a_hostile_name_on_one_short_line()
    {
        string name = "x\\n\\u001b[2J\\u2028" + new string('y', 100_000);
        string path = scratch.Raw($$$"""{"{{{name}}}":{"dtype":"F9","shape":[],"data_offsets":[0,4]}}""", 4);
        var e = Assert.Throws<CheckpointException>(() => SafeTensors.Open(path).Dispose());
        Assert.DoesNotContain(e.Message, c => char.IsControl(c) || c == '\u2028');
        Assert.InRange(e.Message.Length, path.Length, path.Length + 1500);
        Assert.Equal(100_007, e.TensorName!.Length);
    }

    [Fact]
    public void Takes_no_header_of_640_bytes_for_a_pickle()
    {
        string json = """{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""";
        string path = scratch.Raw(json.PadRight(0x0280), 2);
        Assert.Equal([0x80, 0x02], File.ReadAllBytes(path)[..2]);
        using SafeTensors file = SafeTensors.Open(path);
        Assert.Equal(2, file.Read("w").Length);
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n", "git lfs pull")]
    [InlineData("<!DOCTYPE html><html>not found</html>", "web page")]
    [InlineData("GGUF\u0003\0\0\0\0\0\0\0\0\0\0\0", "GGUF")]
    public void Recognises_what_is_opened_by_mistake(string text, string expected)
    {
        File.WriteAllText(scratch["model.safetensors"], text);
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => SafeTensors.Open(scratch["model.safetensors"]).Dispose()).Message);
    }

    [Fact]
    public void Suggests_the_name_with_the_missing_prefix()
    {
        string path = scratch["prefix.safetensors"];
        SafeTensors.Create(path, w => w.Write<float>("model.head.weight", [1], [1f]));
        using SafeTensors file = SafeTensors.Open(path);
        var e = Assert.Throws<CheckpointException>(() => { file.Read("head.weight"); });
        Assert.Equal("head.weight", e.TensorName);
        Assert.Contains("did you mean \"model.head.weight\"?", e.Message);
    }

    [Fact]
    public void Names_a_missing_file_and_a_folder()
    {
        string path = scratch["absent.safetensors"];
        Assert.StartsWith(path, Assert.Throws<CheckpointException>(() => SafeTensors.Open(path).Dispose()).Message);
        Assert.Contains("is a folder", Assert.Throws<CheckpointException>(() => SafeTensors.Open(scratch.Folder).Dispose()).Message);
    }

    [Fact]
    public void Opens_a_read_only_file_any_number_of_times()
    {
        string path = scratch["locked.safetensors"];
        SafeTensors.Create(path, w => w.Write<int>("w", [1], [42]));
        File.SetAttributes(path, FileAttributes.ReadOnly);
        using SafeTensors first = SafeTensors.Open(path), second = SafeTensors.Open(path);
        Assert.Equal(first.Read<int>("w"), second.Read<int>("w"));
        File.SetAttributes(path, FileAttributes.Normal);
    }

    [Fact]
    public unsafe void Refuses_use_after_dispose()
    {
        SafeTensors file = SafeTensors.Open(FixtureFolder.Path("io", "good", "metadata.safetensors"));
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { file.Read("w"); });
        Assert.Throws<ObjectDisposedException>(() => { file.Read("w", 0, 1); });
        Assert.Throws<ObjectDisposedException>(() => { file.Read<float>("w"); });
        Assert.Throws<ObjectDisposedException>(() => file.CopyTo("w", Stream.Null));
        Assert.Throws<ObjectDisposedException>(() => { file.DataPointer("w", out _); });
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Fact]
    public void Checks_the_bounds_of_a_part()
    {
        using SafeTensors file = SafeTensors.Open(FixtureFolder.Path("io", "good", "metadata.safetensors"));
        Assert.Equal(file.Read("w")[20..], file.Read("w", 20, 4));
        Assert.True(file.Read("w", 24, 0).IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => { file.Read("w", 21, 4); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { file.Read("w", -1, 4); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { file.Read("w", 0, -1); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { file.Read("w", long.MaxValue, 4); });
    }

    [Fact]
    public void Reads_tensors_of_more_than_2_GB_in_parts_and_as_wide_elements()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs sparse files.");
        const long Length = 3_000_000_000;
        string header = $$$"""{"b":{"dtype":"U8","shape":[{{{Length}}}],"data_offsets":[0,{{{Length}}}]},"d":{"dtype":"F64","shape":[375000000],"data_offsets":[{{{Length}}},{{{2 * Length}}}]}}""";
        string path = scratch.Raw(header.PadRight((header.Length + 7) / 8 * 8), 0);
        using (FileStream sparse = new(path, FileMode.Open))
        {
            long start = sparse.Length;
            sparse.SetLength(start + 2 * Length);
            sparse.Position = start + Length - 1;
            sparse.WriteByte(77);
            sparse.Position = start + 2 * Length - 8;
            sparse.Write(BitConverter.GetBytes(Math.E));
        }
        using SafeTensors file = SafeTensors.Open(path);
        Assert.Contains("in parts", Assert.Throws<CheckpointException>(() => { file.Read("b"); }).Message);
        Assert.Equal(77, file.Read("b", Length - 1, 1)[0]);
        Assert.Equal(Math.E, file.Read<double>("d")[^1]);
    }

    [Fact]
    public void Names_and_sizes_of_all_types_agree_both_ways()
    {
        foreach (SafeTensorType type in Enum.GetValues<SafeTensorType>())
        {
            Assert.True(SafeTensorTypes.TryParse(type.Name(), out SafeTensorType parsed));
            Assert.Equal(type, parsed);
            int bits = type.Name()[0] == 'B' && type != SafeTensorType.BF16 ? 8 : int.Parse(new string([.. type.Name().TrimStart('B', 'F', 'I', 'U', 'C').TakeWhile(char.IsAsciiDigit)]));
            Assert.Equal(bits, type.Bits());
        }
        Assert.False(SafeTensorTypes.TryParse("f32", out _));
        Assert.False(SafeTensorTypes.TryParse("0", out _));
    }
}
