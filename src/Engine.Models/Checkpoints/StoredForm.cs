using System.IO.Enumeration;
using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>The form a model came in, without its values: enough to write it so again when the folder is long gone.</summary>
sealed class StoredForm
{
    public const string SingleName = "model.safetensors";
    public const string IndexName = "model.safetensors.index.json";

    // Files beside the model that say how to use it; carried along.
    static readonly string[] CompanionNames = ["preprocessor_config.json", .. TokenizerFolder.FileNames];

    readonly ModelLayout layout;
    readonly byte[] config;
    readonly bool isSharded;
    readonly List<StoredFile> files = [];
    readonly Dictionary<string, string> repeated = [];
    JsonObject? index;                          // as it came
    byte[] indexBytes = [];
    readonly Dictionary<string, byte[]> unused = [];
    readonly Dictionary<string, byte[]> companions = [];

    StoredForm(ModelLayout layout, byte[] config, bool isSharded) => (this.layout, this.config, this.isSharded) = (layout, config, isSharded);

    /// <summary>The layout it is written in.</summary>
    public ModelLayout Layout => layout;

    sealed record StoredFile(string Name, SafeTensorItem[] Items, KeyValuePair<string, string>[] Metadata);

    /// <summary>Which rows of which parameter a stored tensor is.</summary>
    readonly record struct Place(Parameter Parameter, Shape Whole, int Part, int Parts)
    {
        public int Rows => Whole.Rank == 0 ? 0 : Whole[0] / Parts;
    }

    /// <summary>The form of a folder that was loaded, with what the caller's options changed.</summary>
    public static StoredForm Of(ShardedSafeTensors weights, ModelLayout layout, ConfigFile config, ModelPlan plan, IReadOnlyList<string> unused)
    {
        bool isSharded = weights.FilePath.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        string prefix = plan.AddsHead ? layout.HeadedPrefix : "";
        StoredForm form = new(plan.AddsHead ? layout.Headed : layout, plan.ConfigChange is null ? config.Bytes : config.With(plan.ConfigChange), isSharded);
        Dictionary<string, StoredBuffer> kept = unused.Where(name => !IsObsolete(plan, name)).ToDictionary(name => name, name => Kept(weights, plan, name));
        foreach (SafeTensors shard in weights.Shards)
        {
            IEnumerable<SafeTensorItem> items = shard.Items.Values
                .Where(item => weights.Items.ContainsKey(item.Name) && weights.ShardOf(item.Name) == shard && (kept.ContainsKey(item.Name) || !unused.Contains(item.Name)))
                .Select(item => kept.TryGetValue(item.Name, out StoredBuffer buffer) ? buffer.Item : item);
            form.files.Add(new(
                isSharded ? Path.GetFileName(shard.FilePath) : SingleName,
                [.. items.Select(item => new SafeTensorItem(prefix + item.Name, item.Type, item.Shape))],
                [.. shard.Metadata]));
        }

        foreach (var (name, buffer) in kept) form.unused.Add(prefix + name, buffer.Bytes);
        if (isSharded) form.index = JsonNode.Parse(form.indexBytes = File.ReadAllBytes(weights.FilePath))!.AsObject();
        foreach (var (name, parameter) in plan.Repeated)
            if (weights.Items.ContainsKey(name)) form.repeated.Add(name, parameter);
        foreach (string name in CompanionNames)
        {
            string path = Path.Combine(Path.GetDirectoryName(weights.FilePath)!, name);
            if (File.Exists(path)) form.companions.Add(name, File.ReadAllBytes(path));
        }

        return form;
    }

    static bool IsObsolete(ModelPlan plan, string name) =>
        plan.Obsolete.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));

    static StoredBuffer Kept(ShardedSafeTensors weights, ModelPlan plan, string name) =>
        plan.Rewritten.TryGetValue(name, out Func<SafeTensorItem, StoredBuffer>? rewrite) ? rewrite(weights.Items[name]) : new(weights.Items[name], weights.Read(name).ToArray());

    /// <summary>The same model in another layout: one file, sorted as the reference writer sorts, each parameter in the element type it came in.</summary>
    /// <param name="model">The model.</param>
    /// <param name="other">The layout.</param>
    /// <param name="otherConfig">Its config.json.</param>
    /// <param name="type">The element type; null to keep each parameter's, double precision as single.</param>
    public StoredForm In(Module model, ModelLayout other, byte[] otherConfig, SafeTensorType? type)
    {
        Dictionary<string, SafeTensorType> stored = files.SelectMany(file => file.Items).ToDictionary(item => item.Name, item => item.Type);
        List<SafeTensorItem> items = [];
        foreach (Parameter parameter in model.Parameters)
        {
            SafeTensorType kept = layout.Names.Stored(parameter.Name) is [string name, ..] && stored.TryGetValue(name, out SafeTensorType was) && was != SafeTensorType.F64 ? was : SafeTensorType.F32;
            items.AddRange(other.Names.Stored(parameter.Name).Select(name => new SafeTensorItem(name, type ?? kept)));
        }

        return OneFile(model, other, otherConfig, items, files[0].Metadata);
    }

    /// <summary>The form of a model that came from no folder: one float32 file, sorted as the reference writer sorts.</summary>
    public static StoredForm Of(Module model, ModelLayout layout, byte[] config)
    {
        IEnumerable<string> names = model.Parameters.SelectMany(parameter => layout.Names.Stored(parameter.Name));
        return OneFile(model, layout, config, names.Select(name => new SafeTensorItem(name, SafeTensorType.F32)), [new("format", "pt")]);
    }

    static StoredForm OneFile(Module model, ModelLayout layout, byte[] config, IEnumerable<SafeTensorItem> parameters, KeyValuePair<string, string>[] metadata)
    {
        StoredForm form = new(layout, config, isSharded: false);
        StoredBuffer[] extras = [.. layout.Extras(model)];
        foreach (StoredBuffer extra in extras) form.unused.Add(extra.Item.Name, extra.Bytes);
        IEnumerable<SafeTensorItem> items = parameters.Concat(extras.Select(extra => extra.Item));
        form.files.Add(new(SingleName, [.. items.OrderByDescending(item => item.Type).ThenBy(item => item.Name, StringComparer.Ordinal)], metadata));
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
            foreach (var (name, bytes) in Companions(added ?? companions)) File.WriteAllBytes(Path.Combine(staging, name), bytes);
        }, IsWeights);
    }

    // Another tokenizer takes the place of all files of the one that came with the model: half of each would be neither.
    IEnumerable<KeyValuePair<string, byte[]>> Companions(IReadOnlyDictionary<string, byte[]> added) =>
        companions.Where(file => !added.Keys.Any(TokenizerFolder.FileNames.Contains) || !TokenizerFolder.FileNames.Contains(file.Key)).Concat(added);

    // Of another save: a single file beside shards, shards that are more or fewer.
    public static bool IsWeights(string name) => name is SingleName or IndexName || FileSystemName.MatchesSimpleExpression("model-?????-of-?????.safetensors", name, ignoreCase: false);

    Dictionary<string, Place> Places(Module model, string folder)
    {
        Dictionary<string, Place> places = [];
        foreach (Parameter parameter in model.Parameters)
        {
            string[] stored = layout.Names.Stored(parameter.Name);
            if (stored.Length == 0)
                throw new CheckpointException(folder, $"parameter {parameter.Name} has no place in the layout of {layout.Name}; merge adapters into the weights, or save them apart");
            Shape whole = layout.StoredShape(parameter.Name, parameter.Value.Shape);
            for (int i = 0; i < stored.Length; i++) places.Add(stored[i], new(parameter, whole, i, stored.Length));
        }

        foreach (var (name, parameter) in repeated) places.Add(name, new(model[parameter], model[parameter].Shape, 0, 1));
        return places;
    }

    // What the folder did not hold, a head for a model that had none, follows the last file's tensors in their element type.
    StoredFile[] WithAdded(Dictionary<string, Place> places)
    {
        HashSet<string> held = [.. files.SelectMany(file => file.Items).Select(item => item.Name)];
        SafeTensorType type = files[^1].Items.Where(item => !unused.ContainsKey(item.Name)).Select(item => item.Type).Append(SafeTensorType.F32).First();
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
        long[] shape = [.. place.Whole];
        if (place.Parts > 1) shape[0] = place.Rows;
        return new(item.Name, item.Type, shape);
    }

    static byte[] Bytes(SafeTensorItem item, Place place)
    {
        using StepScope temporaries = StepScope.Begin();
        Tensor value = place.Parameter.Value.Reshape(place.Whole);
        Tensor part = place.Parts == 1 ? value : value.Slice(0, place.Part * place.Rows, (place.Part + 1) * place.Rows);
        return StoredTensor.Bytes(part, item.Type);
    }

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

        // The same tensors in the same files: the index as it came, whatever its order and spelling.
        return index is not null && JsonNode.DeepEquals(map, index["weight_map"]) ? indexBytes
            : ConfigFile.Write(new() { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = map });
    }
}
