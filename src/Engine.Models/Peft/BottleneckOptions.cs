namespace Engine.Models;

/// <summary>Settings that series and parallel adapters share; the defaults are those of LLM-Adapters (Hu et al. 2023).</summary>
public abstract record BottleneckOptions : AdapterOptions
{
    /// <summary>Width between the two projections.</summary>
    public int Bottleneck { get; init; } = 256;

    /// <summary>The nonlinearity between them.</summary>
    public Activation Activation { get; init; } = Activation.Tanh;

    /// <summary>s, what the adapter's result is multiplied with.</summary>
    public float Scaling { get; init; } = 1;

    internal override void Validate()
    {
        base.Validate();
        Positive(Bottleneck, "bottleneck");
        Positive(Scaling, "scaling");
    }
}
