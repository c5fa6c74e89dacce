using Engine.Autograd;

namespace Engine.Models;

/// <summary>
/// A bottleneck with a nonlinearity, s * up(act(down(x))), attached to a layer. The second projection starts at zero, so that
/// the adapted layer starts as the layer.
/// </summary>
public abstract class BottleneckAdapter : LinearAdapter
{
    readonly AdapterSite site;
    readonly Linear down, up;
    readonly Dropout dropout;
    readonly BottleneckOptions options;

    private protected BottleneckAdapter(AdapterSite site, int inputs, int outputs, BottleneckOptions options) : base(site.Layer.At.Later() / "adapter", site.Layer)
    {
        ModuleScope at = site.Layer.At.Later() / "adapter";
        (this.site, this.options) = (site, options);
        down = new(at / "down", inputs, options.Bottleneck, bias: false, InitialValues.Uniform(1 / MathF.Sqrt(inputs)));
        up = new(at / "up", options.Bottleneck, outputs, bias: false, InitialValues.Zeros);
        dropout = new(at / "drop", options.Dropout);
    }

    internal override IEnumerable<AdapterTensor> Tensors => [new(site, "adapter_down", down.Weight), new(site, "adapter_up", up.Weight)];

    /// <summary>s * up(act(down(x))).</summary>
    /// <param name="x">[..., in]</param>
    /// <returns>[..., out]</returns>
    private protected Variable Bottleneck(Variable x)
    {
        Variable hidden = down.Forward(dropout.Forward(x), options.Activation);     // [..., bottleneck]
        Variable y = up.Forward(hidden);
        return options.Scaling == 1 ? y : Functions.Scale(y, options.Scaling);
    }

    /// <summary>The one site of a layer; a bottleneck reads or changes the whole result, not some of its rows.</summary>
    internal static AdapterSite Whole(IReadOnlyList<AdapterSite> sites) => sites is [{ Part.Length: 0 } site] ? site
        : throw new ArgumentException($"Adapters: '{sites[0].Name}' is a part of the fused layer '{sites[0].Layer.Path}'; series and parallel adapters attach to whole layers.");
}
