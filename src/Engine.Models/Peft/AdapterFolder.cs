using Engine.Tensors;

namespace Engine.Models;

/// <summary>Reads adapter folders.</summary>
static class AdapterFolder
{
    public const string WeightsName = "adapter_model.safetensors";

    /// <summary>Attaches a folder's adapters to a model and fills them.</summary>
    public static AdapterSet Load(Module model, ModelLayout? layout, string folder)
    {
        ConfigFile config = AdapterConfig.Read(folder);
        AdapterOptions options = AdapterConfig.Parse(config);
        using SafeTensors file = Open(folder);
        AdapterTargets targets = new(model, layout);
        (List<AdapterSite> sites, List<string> own) = Survey(file, config, model, layout, targets.Sites);
        if (sites.Count == 0) throw new CheckpointException(file.FilePath, "holds no adapter of any layer");
        CheckTargets(file, config, sites, targets.Sites);
        AdapterSet set = new(model, layout, options with { AlsoTrain = own });
        try
        {
            set.Attach(sites);
            Fill(set, file, config);
        }
        catch (ArgumentException e)
        {
            set.Detach();
            throw config.Fault(e.Message.TrimEnd('.'));
        }
        catch
        {
            set.Detach();
            throw;
        }

        set.Form = new(config, [.. file.Items.Values.Select(item => new SafeTensorItem(item.Name, item.Type, item.Shape))], [.. file.Metadata]);
        return set;
    }

    /// <summary>What the model does that a folder's adapters belong to, by the names of the layers; null where no layout has such names.</summary>
    public static ModelKind? KindOf(string folder)
    {
        AdapterConfig.Read(folder);
        using SafeTensors file = Open(folder);
        string[] layers = [.. file.Items.Keys.Select(name => AdapterForm.Split(AdapterForm.Canonical(name))?.Module).OfType<string>().Distinct()];
        return layers.Length == 0 ? null : ModelLayout.All.FirstOrDefault(layout => layers.All(layer => layout.Names.Holds($"{layer}.weight")))?.Kind;
    }

    static SafeTensors Open(string folder)
    {
        string path = Path.Combine(folder, WeightsName);
        if (!File.Exists(path))
            throw new CheckpointException(folder, $"holds no {WeightsName}{(File.Exists(Path.Combine(folder, "adapter_model.bin")) ? "; its adapter_model.bin is a pickle: convert it with the safetensors package of Python" : "")}");
        return SafeTensors.Open(path);
    }

    // The layers that the file's tensors adapt, and the model's own parameters in it.
    static (List<AdapterSite> Sites, List<string> Own) Survey(SafeTensors file, ConfigFile config, Module model, ModelLayout? layout, IReadOnlyList<AdapterSite> all)
    {
        Dictionary<string, AdapterSite> byName = all.ToDictionary(site => site.StoredName);
        HashSet<string> known = [.. model.Parameters.SelectMany(parameter => layout?.Names.Stored(parameter.Name) is { Length: > 0 } stored ? stored : [parameter.Name])];
        OrderedDictionary<string, AdapterSite> sites = [];
        List<string> own = [];
        foreach (SafeTensorItem item in file.Items.Values)
        {
            string name = AdapterForm.Canonical(item.Name);
            if (name.Contains("lora_magnitude", StringComparison.Ordinal) || name.Contains("lora_embedding", StringComparison.Ordinal) || name.EndsWith(".lora_B.bias", StringComparison.Ordinal))
                throw new CheckpointException(file.FilePath, "belongs to a kind of adapter that this engine does not have (DoRA, LoRA of embeddings or with biases)", item.Name);
            if (item.Type is not (SafeTensorType.F32 or SafeTensorType.F16 or SafeTensorType.BF16 or SafeTensorType.F64))
                throw new CheckpointException(file.FilePath, $"{item.Type.Name()} found; adapters are read as F32, F64, F16 or BF16, not quantised", item.Name);
            if (AdapterForm.Split(name) is { } split)
            {
                if (!byName.TryGetValue(split.Module, out AdapterSite? site)) throw Misfit(file, config, item.Name, $"the model has no layer \"{split.Module}\"");
                sites[split.Module] = site;
            }
            else if (AdapterForm.OwnName(name) is { } parameter && known.Contains(parameter))
            {
                own.Add(parameter);
            }
            else
            {
                throw Misfit(file, config, item.Name, "the model has no such parameter");
            }
        }

        return ([.. all.Where(site => sites.ContainsKey(site.StoredName))], own);
    }

    static void CheckTargets(SafeTensors file, ConfigFile config, List<AdapterSite> sites, IReadOnlyList<AdapterSite> all)
    {
        if (AdapterConfig.NarrowsTargets(config)) return;
        (IReadOnlyList<string> targets, bool isExpression) = AdapterConfig.Targets(config);
        try
        {
            foreach (AdapterSite site in all)
                if (targets.Any(target => isExpression ? site.FitsExpression(target) : site.FitsStored(target)) && !sites.Contains(site))
                    throw new CheckpointException(file.FilePath, $"holds no adapter of \"{site.StoredName}\", which {AdapterConfig.Name} lists among its target_modules; the file is cut, or of another base model");
        }
        catch (ArgumentException e)
        {
            throw config.Fault($"\"target_modules\": {e.Message.TrimEnd('.')}");
        }
    }

    static void Fill(AdapterSet set, SafeTensors file, ConfigFile config)
    {
        Dictionary<string, AdapterPlace> places = AdapterForm.Places(set);
        HashSet<string> filled = [];
        foreach (SafeTensorItem item in file.Items.Values)
        {
            string name = AdapterForm.Canonical(item.Name);
            AdapterPlace place = places[name];
            if (!item.Shape.SequenceEqual(place.Shape))
                throw Misfit(file, config, item.Name, $"it is [{string.Join(", ", item.Shape.ToArray())}], the model and {AdapterConfig.Name} make it [{string.Join(", ", place.Shape)}]");
            if (!filled.Add(name)) throw new CheckpointException(file.FilePath, "there twice under names that mean the same", item.Name);
            using StepScope temporaries = StepScope.Begin();
            Tensor values = Read(file, item, place.Value.Shape);
            place.Value.CopyFrom(values);
            place.Parameter.IsFresh = false;
        }

        foreach (LinearAdapter adapter in set.Adapters)
            foreach (AdapterTensor tensor in adapter.Tensors)
                if (tensor.Parameter.IsFresh) throw new CheckpointException(file.FilePath, $"has no {tensor.Name} of \"{tensor.Site.StoredName}\"; the file is cut");
    }

    static CheckpointException Misfit(SafeTensors file, ConfigFile config, string tensor, string problem) =>
        new(file.FilePath, $"{problem}; the adapter belongs to another base model{(AdapterConfig.BaseModel(config) is { Length: > 0 } name ? $" (it was trained on \"{name}\")" : "")}", tensor);

    static Tensor Read(SafeTensors file, SafeTensorItem item, Shape shape) => item.Type switch
    {
        SafeTensorType.F32 => Tensor.From(file.Read<float>(item.Name), shape),
        SafeTensorType.F64 => Tensor.From(file.Read<double>(item.Name), shape),
        SafeTensorType.F16 => Tensor.From(file.Read<Half>(item.Name), shape),
        _ => Tensor.From(file.Read<ushort>(item.Name), shape),
    };

    /// <summary>A tensor's bytes in a type of the file.</summary>
    public static byte[] Bytes(SafeTensorType type, Tensor value)
    {
        using StepScope temporaries = StepScope.Begin();
        Tensor dense = value.To(type switch
        {
            SafeTensorType.F64 => DType.Float64,
            SafeTensorType.F16 => DType.Float16,
            SafeTensorType.BF16 => DType.BFloat16,
            _ => DType.Float32,
        }).Contiguous();
        byte[] bytes = new byte[dense.ElementCount * dense.DType.Size()];
        dense.Backend.Read(dense.Storage, dense.Offset * dense.DType.Size(), bytes);
        return bytes;
    }
}
