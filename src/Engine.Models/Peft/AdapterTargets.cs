namespace Engine.Models;

/// <summary>The matrices of a model that can have adapters, and which of them somebody means.</summary>
/// <param name="model">The model.</param>
/// <param name="layout">The checkpoint's layout, whose names count too; null for the model's own names alone.</param>
sealed class AdapterTargets(Module model, ModelLayout? layout)
{
    const int NamesShown = 12;

    /// <summary>All there are, in the order of construction; those inside adapters are not among them.</summary>
    public IReadOnlyList<AdapterSite> Sites { get; } = [.. Layers(model).SelectMany(layer => SitesOf(layer, layout))];

    /// <summary>The sites that targets mean, in the order of the model.</summary>
    /// <exception cref="ArgumentException">A target fits nothing; the message lists what there is.</exception>
    public IReadOnlyList<AdapterSite> Select(IReadOnlyList<string> targets)
    {
        foreach (string target in targets)
            if (!Sites.Any(site => site.Fits(target)))
                throw new ArgumentException($"Adapters: the target '{target}' fits no linear layer of the model; there are {Candidates()}.");
        return [.. Sites.Where(site => targets.Any(site.Fits))];
    }

    string Candidates()
    {
        string[] ends = [.. Sites.SelectMany(site => (string[])[End(site.Name), End(site.StoredName)]).Distinct()];
        return $"{string.Join(", ", ends.Take(NamesShown))}{(ends.Length > NamesShown ? ", ..." : "")}, in full such as '{Sites.FirstOrDefault()?.Name}'";
    }

    static string End(string name) => name[(name.LastIndexOf('.') + 1)..];

    static IEnumerable<Linear> Layers(Module model)
    {
        string[] adapters = [.. model.Modules.Where(named => named.Value is LinearAdapter).Select(named => named.Key + ".")];
        foreach (var (name, module) in model.Modules)
            if (module is Linear layer && !adapters.Any(adapter => name.StartsWith(adapter, StringComparison.Ordinal))) yield return layer;
    }

    static IEnumerable<AdapterSite> SitesOf(Linear layer, ModelLayout? layout)
    {
        string[] stored = [.. layout?.Names.Stored(layer.Weight.Name).Select(ModuleOf) ?? []];
        if (stored.Length < 2) return [new(layer, layer.Path, stored is [string only] ? only : layer.Path, "", 0, layer.Outputs)];
        int rows = layer.Outputs / stored.Length;
        return stored.Select((name, part) => new AdapterSite(layer, $"{layer.Path}.{End(name)}", name, End(name), part * rows, rows));
    }

    // x.query.weight is the weight of x.query; torch's own attention writes x.in_proj_weight.
    static string ModuleOf(string weight) => weight[..^".weight".Length];
}
