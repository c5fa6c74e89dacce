using Engine.Autograd;

namespace Engine.Models;

/// <summary>Where a series adapter stands.</summary>
public enum AdapterPlacement
{
    /// <summary>Behind the layer, on its result.</summary>
    After,

    /// <summary>Before the layer, on its input, as LLM-Adapters does with the first projections of a feed-forward block.</summary>
    Before,
}

/// <summary>Settings of series adapters.</summary>
public sealed record SeriesAdapterOptions : BottleneckOptions
{
    /// <summary>Before or behind the layer; null for what LLM-Adapters does with a layer of that name, behind where it has no rule.</summary>
    public AdapterPlacement? Placement { get; init; } = AdapterPlacement.After;

    // LLM-Adapters' table of layers whose input is adapted; it is the same for all its models.
    static readonly string[] AdaptedBefore = ["gate_proj", "up_proj", "dense_h_to_4h", "fc_in", "fc1"];

    internal AdapterPlacement PlacementOf(AdapterSite site) => Placement
        ?? (AdaptedBefore.Contains(site.StoredName[(site.StoredName.LastIndexOf('.') + 1)..]) ? AdapterPlacement.Before : AdapterPlacement.After);

    internal override LinearAdapter Build(Linear layer, IReadOnlyList<AdapterSite> sites)
    {
        AdapterSite site = BottleneckAdapter.Whole(sites);
        return new SeriesAdapter(site, PlacementOf(site), this);
    }
}

/// <summary>A bottleneck in series with a layer, y + s * up(act(down(y))) with y = W x + b (Houlsby et al. 2019), or the same on x before it.</summary>
public sealed class SeriesAdapter : BottleneckAdapter
{
    readonly AdapterPlacement placement;

    internal SeriesAdapter(AdapterSite site, AdapterPlacement placement, SeriesAdapterOptions options)
        : base(site, WidthAt(site.Layer, placement), WidthAt(site.Layer, placement), options) => this.placement = placement;

    /// <inheritdoc/>
    public override Variable Forward(Variable x)
    {
        if (placement == AdapterPlacement.Before) return Functions.Linear(x + Bottleneck(x), Layer.Weight, Layer.Bias);
        Variable y = Functions.Linear(x, Layer.Weight, Layer.Bias);
        return y + Bottleneck(y);
    }

    static int WidthAt(Linear layer, AdapterPlacement placement) => placement == AdapterPlacement.Before ? layer.Inputs : layer.Outputs;
}
