using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>What an adapter folder looks like, without the values: enough to write it again as it came.</summary>
/// <param name="config">The text of adapter_config.json.</param>
/// <param name="items">The tensors of the file, in its order.</param>
/// <param name="metadata">The file's own texts.</param>
sealed class AdapterForm(ConfigFile config, IReadOnlyList<SafeTensorItem> items, IReadOnlyList<KeyValuePair<string, string>> metadata)
{
    const string Prefix = "base_model.model.";

    /// <summary>The form of new adapters: float32, as the reference writer sorts.</summary>
    public static AdapterForm Of(AdapterSet set)
    {
        string[] targets = [.. set.Adapters.SelectMany(adapter => adapter.Tensors).Select(tensor => tensor.Site.StoredName).Distinct()];
        string[] modules = [.. set.Companions.Where(parameter => !IsBias(set, parameter)).SelectMany(parameter => Stored(set, parameter)).Select(ModuleOf).Distinct()];
        byte[] text = AdapterConfig.Write(set, Shortest(set, targets), modules);
        HashSet<string> biases = [.. targets.Select(target => $"{Prefix}{target}.bias")];
        IEnumerable<string> names = Places(set).Keys.Select(name => biases.Contains(name) ? $"{name[..^".bias".Length]}.base_layer.bias" : name);
        IEnumerable<SafeTensorItem> items = names.Order(StringComparer.Ordinal).Select(name => new SafeTensorItem(name, SafeTensorType.F32));
        return new(ConfigFile.Parse(AdapterConfig.Name, text), [.. items], [new("format", "pt")]);
    }

    // Biases have an option of their own.
    static bool IsBias(AdapterSet set, Parameter parameter) => parameter.Name.EndsWith("bias", StringComparison.Ordinal)
        && set.Options.Bias != AdapterBias.None && !parameter.Name.StartsWith("head.", StringComparison.Ordinal);

    static string ModuleOf(string name) => name[..Math.Max(name.LastIndexOf('.'), 0)] is { Length: > 0 } module ? module : name;

    // The ends of the names, where they mean those layers and no others; else the whole names.
    static IReadOnlyList<string> Shortest(AdapterSet set, string[] targets)
    {
        string[] ends = [.. targets.Select(target => target[(target.LastIndexOf('.') + 1)..]).Distinct()];
        int meant = new AdapterTargets(set.Model, set.Layout).Sites.Count(site => ends.Any(end => site.StoredName == end || site.StoredName.EndsWith($".{end}", StringComparison.Ordinal)));
        return meant == targets.Length ? ends : targets;
    }

    public void Save(AdapterSet set, string folder, string? baseModel, IReadOnlyDictionary<string, byte[]>? companionFiles)
    {
        Dictionary<string, AdapterPlace> places = Places(set);
        HashSet<string> held = [.. items.Select(item => Canonical(item.Name))];
        SafeTensorItem[] whole =
        [
            .. items.Select(item => new SafeTensorItem(item.Name, item.Type, places[Canonical(item.Name)].Shape)),
            .. places.Where(place => !held.Contains(Canonical(place.Key))).Select(place => new SafeTensorItem(place.Key, items[0].Type, place.Value.Shape)),
        ];
        FolderWriter.Write(folder, staging =>
        {
            SafeTensors.Create(Path.Combine(staging, AdapterFolder.WeightsName), whole, writer =>
            {
                foreach (SafeTensorItem item in whole)
                    writer.Write(item.Name, item.Type, item.Shape, AdapterFolder.Bytes(item.Type, places[Canonical(item.Name)].Value));
            }, metadata);
            File.WriteAllBytes(Path.Combine(staging, AdapterConfig.Name), baseModel is null ? config.Bytes : AdapterConfig.WithBaseModel(config, baseModel));
            foreach (var (name, bytes) in companionFiles ?? new Dictionary<string, byte[]>()) File.WriteAllBytes(Path.Combine(staging, name), bytes);
        }, isObsolete: name => name == "adapter_model.bin");
    }

    /// <summary>Where the values of each tensor are, by its name without what differs between versions of the library.</summary>
    public static Dictionary<string, AdapterPlace> Places(AdapterSet set)
    {
        Dictionary<string, AdapterPlace> places = [];
        foreach (LinearAdapter adapter in set.Adapters)
            foreach (AdapterTensor tensor in adapter.Tensors)
                places.Add($"{Prefix}{tensor.Site.StoredName}.{tensor.Name}.weight", new(tensor.Parameter, tensor.Parameter.Shape, 0, 1));
        foreach (Parameter parameter in set.Companions)
        {
            string[] stored = Stored(set, parameter);
            Shape whole = set.Layout?.StoredShape(parameter.Name, parameter.Shape) ?? parameter.Shape;
            for (int part = 0; part < stored.Length; part++) places.Add(Prefix + stored[part], new(parameter, whole, part, stored.Length));
        }

        return places;
    }

    static string[] Stored(AdapterSet set, Parameter parameter) => set.Layout?.Names.Stored(parameter.Name) is { Length: > 0 } stored ? stored : [parameter.Name];

    /// <summary>
    /// A tensor's name in the form that all versions share: a layer's own parameters have lain below <c>base_layer</c>, saved
    /// modules below <c>modules_to_save</c>, and either below the adapter's name, <c>default</c>.
    /// </summary>
    public static string Canonical(string name) => name
        .Replace(".base_layer.", ".", StringComparison.Ordinal)
        .Replace(".modules_to_save.", ".", StringComparison.Ordinal)
        .Replace(".default.", ".", StringComparison.Ordinal);

    /// <summary>The layer that a tensor belongs to, and what of it it is; null for a parameter of the model itself.</summary>
    public static (string Module, string Kind)? Split(string canonical)
    {
        foreach (string kind in (ReadOnlySpan<string>)["lora_A", "lora_B", "adapter_down", "adapter_up"])
            if (canonical.StartsWith(Prefix, StringComparison.Ordinal) && canonical.EndsWith($".{kind}.weight", StringComparison.Ordinal))
                return (canonical[Prefix.Length..^(kind.Length + ".weight".Length + 1)], kind);
        return null;
    }

    /// <summary>The name of a model's own parameter in an adapter file, as its library calls it; null if it does not begin as such names do.</summary>
    public static string? OwnName(string canonical) => canonical.StartsWith(Prefix, StringComparison.Ordinal) ? canonical[Prefix.Length..] : null;
}

/// <summary>Which rows of which parameter a tensor of an adapter file is.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Whole">The shape in which the library stores it.</param>
/// <param name="Part">Which of its parts.</param>
/// <param name="Parts">Of how many.</param>
readonly record struct AdapterPlace(Parameter Parameter, Shape Whole, int Part, int Parts)
{
    int Rows => Whole[0] / Parts;

    /// <summary>The rows, a view.</summary>
    public Tensor Value => Parts == 1 ? Parameter.Value.Reshape(Whole) : Parameter.Value.Reshape(Whole).Slice(0, Part * Rows, (Part + 1) * Rows);

    /// <summary>Their shape as files have it.</summary>
    public long[] Shape => [.. Value.Shape];
}
