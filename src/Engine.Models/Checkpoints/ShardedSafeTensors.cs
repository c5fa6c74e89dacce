using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// A checkpoint in safetensors form, whether one file or several: opens a file, an index
/// (<c>model.safetensors.index.json</c>) with its shards, or the folder of either, and reads all of them alike. What
/// <see cref="SafeTensors"/> says of spans, pointers and threads holds here too.
/// </summary>
public sealed class ShardedSafeTensors : IDisposable
{
    const string IndexName = "model.safetensors.index.json";
    const string SingleName = "model.safetensors";

    static readonly OrderedDictionary<string, string> EmptyMetadata = [];

    readonly OrderedDictionary<string, SafeTensorItem> items = [];
    readonly Dictionary<string, SafeTensors> shardOf = [];
    readonly List<SafeTensors> shards = [];
    bool disposed;

    ShardedSafeTensors(string path) => FilePath = path;

    /// <summary>The file or index that was opened.</summary>
    public string FilePath { get; }

    /// <summary>
    /// The tensors by name, in the order of the index, or of the data in a single file. A tensor that a shard holds but
    /// the index does not name is not listed. Offsets count from the start of the tensor's own shard's data.
    /// </summary>
    public IReadOnlyDictionary<string, SafeTensorItem> Items => items;

    /// <summary>The metadata of the first shard; writers give every shard the same.</summary>
    public IReadOnlyDictionary<string, string> Metadata => shards.Count > 0 ? shards[0].Metadata : EmptyMetadata;

    /// <summary>The files, in the order in which the index first names them.</summary>
    public IReadOnlyList<SafeTensors> Shards => shards;

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="path">A .safetensors file, an index ending in .json, or a folder with <c>model.safetensors.index.json</c> or <c>model.safetensors</c>.</param>
    /// <exception cref="CheckpointException">
    /// Nothing to open there, a shard is missing or lacks a tensor, the index names a file outside its folder, or a file
    /// breaks a rule of the format.
    /// </exception>
    public static ShardedSafeTensors Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ShardedSafeTensors opened = new(Directory.Exists(path) ? InFolder(path) : path);
        try
        {
            if (opened.FilePath.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
                opened.OpenIndex();
            else
                opened.OpenSingle();
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The file that holds a tensor.</summary>
    /// <exception cref="CheckpointException">No such tensor.</exception>
    /// <exception cref="ObjectDisposedException">The checkpoint was closed.</exception>
    public SafeTensors ShardOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(disposed, this);
        return shardOf.TryGetValue(name, out SafeTensors? shard)
            ? shard
            : throw new CheckpointException(FilePath, NotFound.Among(items.Values, name), name);
    }

    /// <inheritdoc cref="SafeTensors.Read(string)"/>
    public ReadOnlySpan<byte> Read(string name) => ShardOf(name).Read(name);

    /// <inheritdoc cref="SafeTensors.Read(string, long, int)"/>
    public ReadOnlySpan<byte> Read(string name, long byteOffset, int byteLength) => ShardOf(name).Read(name, byteOffset, byteLength);

    /// <inheritdoc cref="SafeTensors.Read{T}(string)"/>
    public ReadOnlySpan<T> Read<T>(string name) where T : unmanaged => ShardOf(name).Read<T>(name);

    /// <inheritdoc cref="SafeTensors.CopyTo"/>
    public void CopyTo(string name, Stream destination) => ShardOf(name).CopyTo(name, destination);

    /// <inheritdoc cref="SafeTensors.Map"/>
    public Tensor Map(string name, Device? device = null) => ShardOf(name).Map(name, device);

    /// <inheritdoc cref="SafeTensors.DataPointer"/>
    public unsafe byte* DataPointer(string name, out long byteLength) => ShardOf(name).DataPointer(name, out byteLength);

    /// <summary>Unmaps every file. Spans and pointers from it must not be used any more; the items and the metadata may.</summary>
    public void Dispose()
    {
        disposed = true;
        foreach (SafeTensors shard in shards)
            shard.Dispose();
    }

    static string InFolder(string folder)
    {
        string index = Path.Combine(folder, IndexName), single = Path.Combine(folder, SingleName);
        if (File.Exists(index))
            return index;
        if (File.Exists(single))
            return single;
        bool pickled = Directory.EnumerateFiles(folder, "*.bin").Any() || Directory.EnumerateFiles(folder, "*.pt").Any();
        throw new CheckpointException(folder, $"holds neither {IndexName} nor {SingleName}" +
            (pickled ? "; its .bin or .pt files are pickles: convert them with the safetensors package of Python" : "; name the file itself if it has another name"));
    }

    void OpenSingle()
    {
        SafeTensors file = SafeTensors.Open(FilePath);
        shards.Add(file);
        foreach (SafeTensorItem item in file.Items.Values)
            Add(item, file);
    }

    void OpenIndex()
    {
        string folder = Path.GetDirectoryName(FilePath) ?? "";
        Dictionary<string, SafeTensors> opened = [];
        foreach (var (name, shardName) in SafeTensorsIndex.Read(FilePath))
        {
            if (!opened.TryGetValue(shardName, out SafeTensors? shard))
            {
                string shardPath = Path.Combine(folder, shardName);
                if (!File.Exists(shardPath))
                    throw new CheckpointException(FilePath, $"its shard {shardName} is missing in the folder; fetch it", name);
                shard = SafeTensors.Open(shardPath);
                opened.Add(shardName, shard);
                shards.Add(shard);
            }
            if (!shard.Items.TryGetValue(name, out SafeTensorItem? item))
                throw new CheckpointException(FilePath, $"the index says it is in {shardName}, which lacks it; index and shards are of different saves", name);
            Add(item, shard);
        }
    }

    void Add(SafeTensorItem item, SafeTensors shard)
    {
        items.Add(item.Name, item);
        shardOf.Add(item.Name, shard);
    }
}
