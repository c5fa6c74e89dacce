using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>The form a model came in, without its values: enough to write it so again when the folder is long gone.</summary>
sealed class StoredForm
{
    const string SingleName = "model.safetensors";
    const string IndexName = "model.safetensors.index.json";

    // Files beside the model that say how to use it; carried along.
    static readonly string[] CompanionNames = ["preprocessor_config.json"];

    readonly ModelLayout layout;
    readonly byte[] config;
    readonly bool isSharded;
    readonly List<StoredFile> files = [];
    readonly Dictionary<string, byte[]> unused = [];
    readonly Dictionary<string, byte[]> companions = [];

    StoredForm(ModelLayout layout, byte[] config, bool isSharded) => (this.layout, this.config, this.isSharded) = (layout, config, isSharded);

    sealed record StoredFile(string Name, SafeTensorItem[] Items, KeyValuePair<string, string>[] Metadata);

    /// <summary>Which rows of which parameter a stored tensor is.</summary>
    readonly record struct Place(Parameter Parameter, int Part, int Parts);

    /// <summary>The form of a folder that was loaded, with what the caller's options changed.</summary>
    public static StoredForm Of(ShardedSafeTensors weights, ModelLayout layout, ConfigFile config, ModelPlan plan, IReadOnlyList<string> unused)
    {
        bool isSharded = weights.FilePath.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        string prefix = plan.AddsHead ? layout.HeadedPrefix : "";
        StoredForm form = new(plan.AddsHead ? layout.Headed : layout, plan.ConfigChange is null ? config.Bytes : config.With(plan.ConfigChange), isSharded);
        Dictionary<string, StoredBuffer?> buffers = [];
        foreach (string name in unused)
        {
            byte[] bytes = weights.Read(name).ToArray();
            StoredBuffer? buffer = plan.Buffers is null ? new(weights.Items[name], bytes) : plan.Buffers(weights.Items[name], bytes);
            buffers.Add(name, buffer);
            if (buffer is { } kept) form.unused.Add(prefix + name, kept.Bytes);
        }

        foreach (SafeTensors shard in weights.Shards)
        {
            IEnumerable<SafeTensorItem?> items = shard.Items.Values
                .Where(item => weights.Items.ContainsKey(item.Name) && weights.ShardOf(item.Name) == shard)
                .Select(item => buffers.TryGetValue(item.Name, out StoredBuffer? buffer) ? buffer?.Item : item);
            form.files.Add(new(
                isSharded ? Path.GetFileName(shard.FilePath) : SingleName,
                [.. items.OfType<SafeTensorItem>().Select(item => new SafeTensorItem(prefix + item.Name, item.Type, item.Shape))],
                [.. shard.Metadata]));
        }

        foreach (string name in CompanionNames)
        {
            string path = Path.Combine(Path.GetDirectoryName(weights.FilePath)!, name);
            if (File.Exists(path)) form.companions.Add(name, File.ReadAllBytes(path));
        }

        return form;
    }

    /// <summary>The form of a model that came from no folder: one float32 file, sorted by name as the reference writer sorts.</summary>
    public static StoredForm Of(Module model, ModelLayout layout, byte[] config)
    {
        StoredForm form = new(layout, config, isSharded: false);
        IEnumerable<string> names = model.Parameters.SelectMany(parameter => layout.Names.Stored(parameter.Name)).Order(StringComparer.Ordinal);
        form.files.Add(new(SingleName, [.. names.Select(name => new SafeTensorItem(name, SafeTensorType.F32))], [new("format", "pt")]));
        return form;
    }

    public void Save(Module model, string folder, IReadOnlyDictionary<string, byte[]>? added = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Dictionary<string, Place> places = Places(model, folder);
        FolderWriter.Write(folder, staging =>
        {
            StoredFile[] whole = WithAdded(places);
            foreach (StoredFile file in whole) Write(file, places, staging);
            if (isSharded) File.WriteAllBytes(Path.Combine(staging, IndexName), Index(whole, places));
            File.WriteAllBytes(Path.Combine(staging, ConfigFile.Name), config);
            foreach (var (name, bytes) in companions.Concat(added ?? companions)) File.WriteAllBytes(Path.Combine(staging, name), bytes);
        }, obsolete: isSharded ? SingleName : IndexName);
    }

    Dictionary<string, Place> Places(Module model, string folder)
    {
        Dictionary<string, Place> places = [];
        foreach (Parameter parameter in model.Parameters)
        {
            string[] stored = layout.Names.Stored(parameter.Name);
            if (stored.Length == 0)
                throw new CheckpointException(folder, $"parameter {parameter.Name} has no place in the layout of {layout.Name}; merge adapters into the weights, or save them apart");
            for (int i = 0; i < stored.Length; i++) places.Add(stored[i], new(parameter, i, stored.Length));
        }

        return places;
    }

    // What the folder did not hold, a head for a model that had none, follows the last file's tensors in their element type.
    StoredFile[] WithAdded(Dictionary<string, Place> places)
    {
        HashSet<string> held = [.. files.SelectMany(file => file.Items).Select(item => item.Name)];
        SafeTensorType type = files[^1].Items.Length > 0 ? files[^1].Items[0].Type : SafeTensorType.F32;
        SafeTensorItem[] added = [.. places.Keys.Where(name => !held.Contains(name)).Select(name => new SafeTensorItem(name, type))];
        return [.. files[..^1], files[^1] with { Items = [.. files[^1].Items, .. added] }];
    }

    void Write(StoredFile file, Dictionary<string, Place> places, string staging)
    {
        SafeTensorItem[] items = [.. file.Items.Select(item => Resized(item, places))];
        SafeTensors.Create(Path.Combine(staging, file.Name), items, writer =>
        {
            foreach (SafeTensorItem item in items)
                writer.Write(item.Name, item.Type, item.Shape, unused.TryGetValue(item.Name, out byte[]? bytes) ? bytes : Bytes(item, places[item.Name]));
        }, file.Metadata);
    }

    // With the shape of what is written: a fresh head or a resampled position embedding has another than the one it replaces.
    SafeTensorItem Resized(SafeTensorItem item, Dictionary<string, Place> places)
    {
        if (!places.TryGetValue(item.Name, out Place place)) return item;
        long[] shape = [.. place.Parameter.Shape];
        shape[0] /= place.Parts;
        return new(item.Name, item.Type, shape);
    }

    static byte[] Bytes(SafeTensorItem item, Place place)
    {
        using StepScope temporaries = StepScope.Begin();
        Tensor value = place.Parameter.Value;
        int rows = value.Rank == 0 ? 0 : value.Shape[0] / place.Parts;
        Tensor part = place.Parts == 1 ? value : value.Slice(0, place.Part * rows, (place.Part + 1) * rows);
        Tensor dense = part.To(TypeOf(item.Type)).Contiguous();
        byte[] bytes = new byte[item.ByteLength];
        dense.Backend.Read(dense.Storage, dense.Offset * dense.DType.Size(), bytes);
        return bytes;
    }

    static DType TypeOf(SafeTensorType type) => type switch
    {
        SafeTensorType.F64 => DType.Float64,
        SafeTensorType.F16 => DType.Float16,
        SafeTensorType.BF16 => DType.BFloat16,
        _ => DType.Float32,
    };

    byte[] Index(StoredFile[] whole, Dictionary<string, Place> places)
    {
        JsonObject map = [];
        long total = 0;
        foreach (StoredFile file in whole)
        {
            foreach (SafeTensorItem item in file.Items)
            {
                map[item.Name] = file.Name;
                total += Resized(item, places).ByteLength;
            }
        }

        return ConfigFile.Write(new() { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = map });
    }
}
