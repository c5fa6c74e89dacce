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
    readonly ConfigFile config;
    readonly int storedClasses, classes;
    readonly List<StoredFile> files = [];
    readonly bool isSharded;
    readonly Dictionary<string, byte[]> unused = [];
    readonly Dictionary<string, byte[]> companions = [];

    StoredForm(ModelLayout layout, ConfigFile config, ModelPlan plan, bool isSharded) =>
        (this.layout, this.config, storedClasses, classes, this.isSharded) = (layout, config, plan.StoredClasses, plan.Classes, isSharded);

    sealed record StoredFile(string Name, SafeTensorItem[] Items, KeyValuePair<string, string>[] Metadata);

    /// <summary>Which rows of which parameter a stored tensor is.</summary>
    readonly record struct Place(Parameter Parameter, int Part, int Parts);

    public static StoredForm Of(ShardedSafeTensors weights, ModelLayout layout, ConfigFile config, ModelPlan plan, IReadOnlyList<string> unused)
    {
        bool isSharded = weights.FilePath.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        StoredForm form = new(layout, config, plan, isSharded);
        foreach (SafeTensors shard in weights.Shards)
        {
            SafeTensorItem[] items = [.. shard.Items.Values.Where(item => weights.Items.ContainsKey(item.Name) && weights.ShardOf(item.Name) == shard)];
            form.files.Add(new(isSharded ? Path.GetFileName(shard.FilePath) : SingleName, items, [.. shard.Metadata]));
        }

        foreach (string name in unused) form.unused.Add(name, weights.Read(name).ToArray());
        foreach (string name in CompanionNames)
        {
            string path = Path.Combine(Path.GetDirectoryName(weights.FilePath)!, name);
            if (File.Exists(path)) form.companions.Add(name, File.ReadAllBytes(path));
        }

        return form;
    }

    public void Save(Module model, string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Dictionary<string, Place> places = Places(model, folder);
        FolderWriter.Write(folder, staging =>
        {
            foreach (StoredFile file in files) Write(file, places, staging);
            if (isSharded) File.WriteAllBytes(Path.Combine(staging, IndexName), Index(places));
            File.WriteAllBytes(Path.Combine(staging, ConfigFile.Name),
                classes == storedClasses ? config.Bytes : config.With(json => layout.SetClasses(json, classes)));
            foreach (var (name, bytes) in companions) File.WriteAllBytes(Path.Combine(staging, name), bytes);
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

    void Write(StoredFile file, Dictionary<string, Place> places, string staging)
    {
        IEnumerable<SafeTensorItem> items = file.Items.Select(item => Resized(item, places));
        SafeTensors.Create(Path.Combine(staging, file.Name), items, writer =>
        {
            foreach (SafeTensorItem item in items)
                writer.Write(item.Name, item.Type, item.Shape, unused.TryGetValue(item.Name, out byte[]? bytes) ? bytes : Bytes(item, places[item.Name]));
        }, file.Metadata);
    }

    // A fresh head has another shape than the one that lay in its place.
    SafeTensorItem Resized(SafeTensorItem item, Dictionary<string, Place> places)
    {
        if (!places.TryGetValue(item.Name, out Place place)) return item;
        long[] shape = [.. place.Parameter.Shape.AsSpan().ToArray()];
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

    byte[] Index(Dictionary<string, Place> places)
    {
        JsonObject map = [];
        long total = 0;
        foreach (StoredFile file in files)
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
