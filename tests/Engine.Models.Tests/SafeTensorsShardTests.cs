using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class SafeTensorsShardTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData("good/sharded")]
    [InlineData("good/sharded/model.safetensors.index.json")]
    public void Reads_tensors_from_their_shards(string path)
    {
        using ShardedSafeTensors model = ShardedSafeTensors.Open(FixtureFolder.Path("io", path));
        Assert.Equal(["a", "b"], model.Items.Keys);
        Assert.Equal(2, model.Shards.Count);
        foreach (var (name, shard) in new[] { ("a", 1), ("b", 2) })
        {
            byte[] bytes = File.ReadAllBytes(FixtureFolder.Path("io", "good", "sharded", $"model-0000{shard}-of-00002.safetensors"));
            Assert.Equal(bytes.AsSpan(^24..), model.Read(name));
            Assert.Equal(bytes.AsSpan(^4..), model.Read(name, 20, 4));
            Assert.Equal(6, model.Read<float>(name).Length);
            using MemoryStream copy = new();
            model.CopyTo(name, copy);
            Assert.Equal(bytes[^24..], copy.ToArray());
        }
    }

    [Fact]
    public void Opens_a_single_file_and_its_folder_alike()
    {
        using ShardedSafeTensors byFile = ShardedSafeTensors.Open(FixtureFolder.Path("models", "vit_timm", "model.safetensors"));
        using ShardedSafeTensors byFolder = ShardedSafeTensors.Open(FixtureFolder.Path("models", "vit_timm"));
        Assert.Equal(byFile.Items.Keys, byFolder.Items.Keys);
        Assert.Equal("pt", byFolder.Metadata["format"]);
        Assert.Equal(byFile.Read<float>("cls_token"), byFolder.Read<float>("cls_token"));
        Assert.Single(byFolder.Shards);
    }

    [Fact]
    public void Refuses_use_after_dispose()
    {
        ShardedSafeTensors model = ShardedSafeTensors.Open(FixtureFolder.Path("io", "good", "sharded"));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { model.Read("a"); });
        Assert.Throws<ObjectDisposedException>(() => { model.Shards[1].Read("b"); });
    }

    [Theory]
    [InlineData("", "not JSON")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{", "not JSON")]
    [InlineData("{}", "no weight_map")]
    [InlineData("""{"weight_map":{}} {}""", "not JSON")]
    [InlineData("""{"weight_map":[]}""", "must be an object")]
    [InlineData("""{"weight_map":{"a":1}}""", "must give a file name")]
    [InlineData("""{"weight_map":{},"weight_map":{}}""", "duplicate key")]
    [InlineData("""{"weight_map":{"a":"m.safetensors","a":"m.safetensors"}}""", "duplicate key")]
    [InlineData("""{"weight_map":{"a":"sub/../../m.safetensors"}}""", "own folder")]
    [InlineData("""{"weight_map":{"a":"..\\m.safetensors"}}""", "own folder")]
    [InlineData("""{"weight_map":{"a":"C:m.safetensors"}}""", "own folder")]
    [InlineData("""{"weight_map":{"a":".."}}""", "own folder")]
    [InlineData("""{"weight_map":{"a":""}}""", "own folder")]
    [InlineData("""{"weight_map":{"\ud800":"m.safetensors"}}""", "surrogate")]
    [InlineData("""{"weight_map":{"a":"m.safetensors"}}""", "m.safetensors is missing")]
    public void Refuses_a_malformed_index(string json, string message)
    {
        string path = scratch["model.safetensors.index.json"];
        File.WriteAllText(path, json);
        var e = Assert.Throws<CheckpointException>(() => ShardedSafeTensors.Open(path).Dispose());
        Assert.StartsWith(path, e.Message);
        Assert.Contains(message, e.Message);
        Assert.DoesNotContain(e.Message, char.IsControl);
    }

    [Fact]
    public void Says_what_a_folder_without_safetensors_holds()
    {
        Assert.Contains("holds neither", Assert.Throws<CheckpointException>(() => ShardedSafeTensors.Open(scratch.Folder).Dispose()).Message);
        File.WriteAllText(scratch["pytorch_model.bin"], "");
        Assert.Contains("are pickles", Assert.Throws<CheckpointException>(() => ShardedSafeTensors.Open(scratch.Folder).Dispose()).Message);
    }

    [Fact]
    public void Closes_its_shards_when_opening_fails()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Counts maps in /proc.");
        Assert.Throws<CheckpointException>(() => ShardedSafeTensors.Open(FixtureFolder.Path("io", "bad", "missing_shard")).Dispose());
        Assert.DoesNotContain("missing_shard", File.ReadAllText("/proc/self/maps"));
    }
}
