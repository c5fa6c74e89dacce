using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>What a conversion is to change.</summary>
public sealed record ConversionOptions
{
    /// <summary>Whose layout to write; null for the one that the model came in.</summary>
    public ModelLibrary? Library { get; init; }

    /// <summary>float32, float16 or bfloat16 for all weights; null to keep each one's type (in another layout, double precision becomes single).</summary>
    public DType? Type { get; init; }

    /// <summary>The names of the classes, for libraries that keep them in config.json; null for those that the folder's has.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>Entries for the other library's config.json.</summary>
    public IReadOnlyDictionary<string, JsonNode> ConfigEntries { get; init; } = new Dictionary<string, JsonNode>();

    /// <summary>Further small files by name, written with the model: class names, preprocessing.</summary>
    public IReadOnlyDictionary<string, byte[]> Companions { get; init; } = new Dictionary<string, byte[]>();
}

/// <summary>What came of a conversion.</summary>
/// <param name="From">The layout that was read: timm ViT.</param>
/// <param name="To">The layout that was written.</param>
/// <param name="LeftBehind">Tensors of the folder that no model needs and the other layout has no place for.</param>
public sealed record Conversion(string From, string To, IReadOnlyList<string> LeftBehind);

/// <summary>
/// Writes a model folder anew in another library's layout or another element type. The model that it then holds computes the
/// same, to the bit where the types stay.
/// </summary>
public static class ModelConverter
{
    // Not the model's, or pickles; everything else beside it (tokenizers, descriptions) is carried along.
    static readonly string[] LeftOut = [".safetensors", ".bin", ".pt", ".pth", ".tmp"];

    /// <summary>Converts a folder.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="target">The folder to write, absent or empty; it appears whole.</param>
    /// <param name="options">What to change.</param>
    /// <exception cref="CheckpointException">
    /// The folder holds no whole model, the library has no such model or lacks a trait of it, or the target cannot be written.
    /// Nothing is written then.
    /// </exception>
    public static Conversion Convert(string folder, string target, ConversionOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(target);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Type is not (null or DType.Float32 or DType.Float16 or DType.BFloat16))
            throw new ArgumentOutOfRangeException(nameof(options), $"Weights are not stored as {options.Type}; choose Float32, Float16 or BFloat16.");
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new CheckpointException(target, "holds files already; name another folder to write to");
        ConfigFile config = ConfigFile.Read(folder);
        using ShardedSafeTensors weights = ShardedSafeTensors.Open(folder);
        ModelLayout layout = ModelLayout.Of(weights, config);
        if (options.Library is { } library && library != layout.Library && layout is not ImageLayout)
            throw new CheckpointException(target, $"cannot be written: {library.Name()} has no such model; it is written as {layout.Name}");
        if (layout is not ImageLayout)
        {
            layout.Plan(config, new());
            Recast(folder, weights, config, target, options);
            return new(layout.Name, layout.Name, []);
        }

        LoadedModel<Module> loaded = ModelFolder.Load<Module>(folder);
        ModelLayout other = options.Library is null ? layout : ModelLayout.For(loaded.Model, options.Library, target);
        if (other == layout) Recast(folder, weights, config, target, options);
        else Rewrite(loaded, config, other, target, options);
        return new(layout.Name, other.Name, other == layout ? [] : loaded.Unused);
    }

    static void Rewrite(LoadedModel<Module> loaded, ConfigFile config, ModelLayout other, string target, ConversionOptions options)
    {
        if (options.Type == DType.Float16)
            foreach (Parameter parameter in loaded.Model.Parameters) StoredTensor.CheckRange(parameter.Value, target, parameter.Name);
        JsonObject described = JsonNode.Parse(other.Describe(loaded.Model, target))!.AsObject();
        IReadOnlyList<string>? names = options.ClassNames ?? ((ImageLayout)loaded.Form.Layout).ClassNames(config);
        if (names is not null && names.Count == loaded.StoredClasses) ((ImageLayout)other).SetClassNames(described, names);
        if (other.Library == ModelLibrary.HuggingFace && options.Type is { } type) described["torch_dtype"] = Word(type);
        foreach ((string key, JsonNode value) in options.ConfigEntries) Enter(described, key, value);
        loaded.Form.In(loaded.Model, other, ConfigFile.Write(described), StoredAs(options.Type)).Save(loaded.Model, target, options.Companions);
    }

    // Into an object that is there already.
    static void Enter(JsonObject config, string key, JsonNode value)
    {
        if (config[key] is JsonObject there && value is JsonObject entries)
            foreach ((string name, JsonNode? entry) in entries) there[name] = entry?.DeepClone();
        else config[key] = value.DeepClone();
    }

    // Tensor by tensor, without building the model: what does not fit in memory can be converted too.
    static void Recast(string folder, ShardedSafeTensors weights, ConfigFile config, string target, ConversionOptions options) => FolderWriter.Write(target, staging =>
    {
        bool isSharded = weights.FilePath.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        long total = 0;
        foreach (SafeTensors shard in weights.Shards)
        {
            SafeTensorItem[] items = [.. shard.Items.Values.OrderBy(item => item.ByteOffset).Select(item => new SafeTensorItem(item.Name, Recast(item.Type, options.Type), item.Shape))];
            total += items.Sum(item => item.ByteLength);
            SafeTensors.Create(Path.Combine(staging, isSharded ? Path.GetFileName(shard.FilePath) : StoredForm.SingleName), items, writer =>
            {
                foreach (SafeTensorItem item in items)
                    if (item.Type == shard.Items[item.Name].Type) Copy(shard, item, writer);
                    else writer.Write(item.Name, item.Type, item.Shape, StoredTensor.Recast(shard, item.Name, item.Type));
            }, shard.Metadata);
        }

        if (isSharded) File.WriteAllBytes(Path.Combine(staging, StoredForm.IndexName), options.Type is null ? File.ReadAllBytes(weights.FilePath) : Resized(weights.FilePath, total));
        File.WriteAllBytes(Path.Combine(staging, ConfigFile.Name), options.Type is { } type ? config.With(json => SetType(json, type)) : config.Bytes);
        foreach (string file in Directory.GetFiles(folder))
            if (Path.GetFileName(file) is var name && name != ConfigFile.Name && !StoredForm.IsWeights(name) && !LeftOut.Contains(Path.GetExtension(name)))
                File.Copy(file, Path.Combine(staging, name));
    }, StoredForm.IsWeights);

    // Through a stream: a tensor may be larger than the 2 GB of a span.
    static unsafe void Copy(SafeTensors shard, SafeTensorItem item, SafeTensorsWriter writer)
    {
        byte* bytes = shard.DataPointer(item.Name, out long length);
        using UnmanagedMemoryStream stream = new(bytes, length);
        writer.Write(item.Name, item.Type, item.Shape, stream);
    }

    static SafeTensorType Recast(SafeTensorType stored, DType? type) =>
        stored is SafeTensorType.F64 or SafeTensorType.F32 or SafeTensorType.F16 or SafeTensorType.BF16 ? StoredAs(type) ?? stored : stored;

    static byte[] Resized(string index, long total)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllBytes(index))!.AsObject();
        if (json["metadata"] is JsonObject metadata) metadata["total_size"] = total;
        return ConfigFile.Write(json);
    }

    // Hugging Face's two names for it, where config.json has one.
    static void SetType(JsonObject config, DType type)
    {
        foreach (string key in (string[])["torch_dtype", "dtype"])
            if (config.ContainsKey(key)) config[key] = Word(type);
    }

    static string Word(DType type) => type.ToString().ToLowerInvariant();

    static SafeTensorType? StoredAs(DType? type) => type switch
    {
        null => null,
        DType.Float16 => SafeTensorType.F16,
        DType.BFloat16 => SafeTensorType.BF16,
        _ => SafeTensorType.F32,
    };
}
