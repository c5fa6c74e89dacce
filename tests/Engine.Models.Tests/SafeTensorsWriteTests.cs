using System.Text;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class SafeTensorsWriteTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    /// <summary>Every fixture that the reference writer wrote (those of io/ are made by hand).</summary>
    public static TheoryData<string> ReferenceFiles =>
    [
        .. Directory.GetFiles(FixtureFolder.Path(), "*.safetensors", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(FixtureFolder.Path(), path).Replace('\\', '/'))
            .Where(path => !path.StartsWith("io/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    [Theory, MemberData(nameof(ReferenceFiles))]
    public void Writes_the_bytes_of_the_reference_writer(string name)
    {
        byte[] original = File.ReadAllBytes(FixtureFolder.Path(name));
        using SafeTensors file = SafeTensors.Open(FixtureFolder.Path(name));
        SafeTensorItem[] reversed = [.. file.Items.Values.Reverse()];
        string path = scratch["again.safetensors"];

        SafeTensors.Create(path, file.Items.Values, w => Copy(file, reversed, w), file.Metadata);
        Assert.Equal(original, File.ReadAllBytes(path));
        SafeTensors.Create(path, reversed, w => Copy(file, file.Items.Values, w), file.Metadata, TensorOrder.Reference);
        Assert.Equal(original, File.ReadAllBytes(path));
        SafeTensors.Create(path, w => Copy(file, file.Items.Values, w), file.Metadata);
        Assert.Equal(original, File.ReadAllBytes(path));
        SafeTensors.Create(path, w => Copy(file, reversed, w), file.Metadata, TensorOrder.Reference);
        Assert.Equal(original, File.ReadAllBytes(path));
    }

    [Theory]
    [InlineData("every_dtype")]
    [InlineData("metadata")]
    [InlineData("no_tensors")]
    [InlineData("out_of_order")]
    [InlineData("padded_header")]
    [InlineData("scalar_and_empty")]
    [InlineData("unicode_name")]
    public void Keeps_names_order_bytes_and_metadata_of_any_file(string name)
    {
        using SafeTensors file = SafeTensors.Open(FixtureFolder.Path("io", "good", $"{name}.safetensors"));
        SafeTensors.Create(scratch["copy.safetensors"], file.Items.Values, w => Copy(file, file.Items.Values, w), file.Metadata);
        using SafeTensors copy = SafeTensors.Open(scratch["copy.safetensors"]);
        Assert.Equal(file.Metadata, copy.Metadata);
        Assert.Equal(file.Items.Values.Select(i => $"{i} {i.ByteOffset}"), copy.Items.Values.Select(i => $"{i} {i.ByteOffset}"));
        foreach (string tensor in file.Items.Keys)
            Assert.Equal(file.Read(tensor), copy.Read(tensor));
    }

    [Fact]
    public void Writes_compact_json_padded_to_8_bytes()
    {
        SafeTensors.Create(scratch["a.safetensors"], w =>
        {
            w.Write<float>("b", [1, 2], [1f, 2f]);
            w.Write<byte>("a", [], [9]);
        }, [new("k", "v")]);
        byte[] bytes = File.ReadAllBytes(scratch["a.safetensors"]);
        const string Json = """{"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}""";
        int padded = (Json.Length + 7) / 8 * 8;
        Assert.Equal(padded, BitConverter.ToInt64(bytes));
        Assert.Equal(Json.PadRight(padded), Encoding.UTF8.GetString(bytes, 8, padded));
        Assert.Equal(8 + padded + 9, bytes.Length);
    }

    [Fact]
    public void Escapes_only_what_json_demands()
    {
        const string Name = "\"\\/\b\f\n\r\t\u0001\u007f\u2028 \u5c42 \ud83d\ude00 <&>'+";
        SafeTensors.Create(scratch["a.safetensors"], w => w.Write<byte>(Name, [1], [9]), [new(Name, Name)]);
        string header = Encoding.UTF8.GetString(File.ReadAllBytes(scratch["a.safetensors"]));
        Assert.Contains("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\u007f\u2028 \u5c42 \ud83d\ude00 <&>'+\":{\"dtype\"", header);
        using SafeTensors file = SafeTensors.Open(scratch["a.safetensors"]);
        Assert.Equal(Name, file.Items.Keys.Single());
        Assert.Equal(Name, file.Metadata[Name]);
    }

    [Fact]
    public void Reference_order_compares_names_as_utf8()
    {
        // UTF-16 would put the surrogate pair first, UTF-8 puts it last.
        SafeTensors.Create(scratch["a.safetensors"], w =>
        {
            w.Write<byte>("\ud83d\ude00", [1], [1]);
            w.Write<byte>("\uff5e", [1], [2]);
            w.Write<Half>("z", [1], [Half.One]);
            w.Write<ushort>("y", SafeTensorType.BF16, [1], [1]);
        }, order: TensorOrder.Reference);
        using SafeTensors file = SafeTensors.Open(scratch["a.safetensors"]);
        Assert.Equal(["y", "z", "\uff5e", "\ud83d\ude00"], file.Items.Keys);
    }

    [Fact]
    public void Writes_from_a_stream_as_many_bytes_as_the_shape_takes()
    {
        byte[] bytes = new byte[3_000_000];
        new Random(1).NextBytes(bytes);
        using MemoryStream source = new(bytes);
        SafeTensors.Create(scratch["a.safetensors"], w =>
        {
            w.Write("a", SafeTensorType.I32, [500_000], source);
            w.Write("b", SafeTensorType.U8, [10], source);
        });
        Assert.Equal(2_000_010, source.Position);
        using SafeTensors file = SafeTensors.Open(scratch["a.safetensors"]);
        Assert.Equal(bytes.AsSpan(0, 2_000_000), file.Read("a"));
        Assert.Equal(bytes.AsSpan(2_000_000, 10), file.Read("b"));
        using MemoryStream copied = new();
        file.CopyTo("a", copied);
        Assert.Equal(bytes[..2_000_000], copied.ToArray());
    }

    [Fact]
    public void Holds_no_tensor_in_memory()
    {
        const int Tensors = 64;
        byte[] tensor = new byte[1 << 20];
        SafeTensorItem[] plan = [.. Enumerable.Range(0, Tensors).Select(i => new SafeTensorItem($"t{i}", SafeTensorType.U8, tensor.Length))];
        void WriteAll(SafeTensorsWriter writer)
        {
            foreach (SafeTensorItem item in plan)
                writer.Write(item.Name, item.Type, item.Shape, tensor);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        SafeTensors.Create(scratch["planned.safetensors"], plan, WriteAll);
        long planned = GC.GetAllocatedBytesForCurrentThread();
        SafeTensors.Create(scratch["spooled.safetensors"], WriteAll);
        long spooled = GC.GetAllocatedBytesForCurrentThread();
        Assert.InRange(planned - before, 0, tensor.Length);
        Assert.InRange(spooled - planned, 0, 3 * tensor.Length);     // the copying buffer is one MB
        Assert.True(new FileInfo(scratch["planned.safetensors"]).Length > (long)Tensors * tensor.Length);
        Assert.Equal(File.ReadAllBytes(scratch["planned.safetensors"]), File.ReadAllBytes(scratch["spooled.safetensors"]));
    }

    [Fact]
    public void Refuses_data_that_do_not_fit_the_shape()
    {
        Refuses(w => w.Write<float>("w", [2, 3], new float[5]), "F32 [2, 3] takes 24 bytes, 20 were given");
        Refuses(w => w.Write<float>("w", [-1], []), "negative size -1");
        Refuses(w => w.Write<float>("w", [long.MaxValue, 2], []), "overflows 64 bits");
        Refuses(w => w.Write<byte>("w", SafeTensorType.F4, [3], new byte[2]), "12 bits");
        Refuses(w => w.Write<float>("w", SafeTensorType.F16, [2], new float[2]), "Single elements cannot be written as F16");
        Refuses(w => w.Write("w", SafeTensorType.U8, [10], new MemoryStream(new byte[9])), "the stream ended after 9");
    }

    [Fact]
    public void Refuses_names_that_the_format_cannot_hold()
    {
        Refuses(w => { w.Write<byte>("w", [], [1]); w.Write<byte>("w", [], [1]); }, "written before");
        Refuses(w => w.Write<byte>("__metadata__", [], [1]), "reserves this name");
        Refuses(w => w.Write<byte>("\ud800", [], [1]), "unpaired surrogate");
        Assert.Throws<CheckpointException>(() => SafeTensors.Create(scratch["m.safetensors"], _ => { }, [new("a", "1"), new("a", "2")]));
    }

    [Fact]
    public void Refuses_what_differs_from_the_list_of_items()
    {
        SafeTensorItem[] plan = [new("w", SafeTensorType.F32, 2), new("v", SafeTensorType.F32, 2)];
        void Planned(Action<SafeTensorsWriter> write, string message) =>
            Assert.Contains(message, Assert.Throws<CheckpointException>(() => SafeTensors.Create(scratch["p.safetensors"], plan, write)).Message);
        Planned(w => w.Write<float>("w", [2], [1, 2]), "tensor \"v\": in the list of items but never written");
        Planned(w => w.Write<float>("w", [1, 2], [1, 2]), "the list of items says F32 [2], written is F32 [1, 2]");
        Planned(w => w.Write<int>("w", [2], [1, 2]), "written is I32 [2]");
        Planned(w => w.Write<float>("u", [2], [1, 2]), "not in the list of items");
        Assert.Throws<CheckpointException>(() => SafeTensors.Create(scratch["p.safetensors"], [plan[0], plan[0]], _ => { }));
        Assert.Empty(scratch.Files);
    }

    [Fact]
    public void Refuses_a_header_over_the_limit()
    {
        Assert.Contains("header too large", Assert.Throws<CheckpointException>(
            () => SafeTensors.Create(scratch["h.safetensors"], _ => { }, [new("a", new string('x', 100_000_000))])).Message);
        Assert.Empty(scratch.Files);
    }

    void Refuses(Action<SafeTensorsWriter> write, string message)
    {
        string path = scratch["refused.safetensors"];
        var e = Assert.Throws<CheckpointException>(() => SafeTensors.Create(path, write));
        Assert.StartsWith(path, e.Message);
        Assert.Contains(message, e.Message);
        Assert.Empty(scratch.Files);
    }

    static void Copy(SafeTensors source, IEnumerable<SafeTensorItem> items, SafeTensorsWriter writer)
    {
        foreach (SafeTensorItem item in items)
            writer.Write(item.Name, item.Type, item.Shape, source.Read(item.Name));
    }
}
