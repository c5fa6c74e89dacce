using Engine.Autograd;

namespace Engine.Models;

/// <summary>Settings of parallel adapters.</summary>
public sealed record ParallelAdapterOptions : BottleneckOptions
{
    internal override LinearAdapter Build(Linear layer, IReadOnlyList<AdapterSite> sites) => new ParallelAdapter(BottleneckAdapter.Whole(sites), this);
}

/// <summary>A bottleneck beside a layer, W x + b + s * up(act(down(x))) (He et al. 2021).</summary>
public sealed class ParallelAdapter : BottleneckAdapter
{
    internal ParallelAdapter(AdapterSite site, ParallelAdapterOptions options) : base(site, site.Layer.Inputs, site.Layer.Outputs, options)
    {
    }

    /// <inheritdoc/>
    public override Variable Forward(Variable x) => Functions.Linear(x, Layer.Weight, Layer.Bias) + Bottleneck(x);
}
