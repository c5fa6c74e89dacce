using Engine.Autograd;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>Settings of LoRA.</summary>
public sealed record LoraOptions : AdapterOptions
{
    /// <summary>r, the rank of the update.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>alpha; the update is scaled by alpha / r.</summary>
    public float Alpha { get; init; } = 16;

    /// <summary>Scale by alpha / sqrt(r), which keeps the size of the update at high ranks (rsLoRA, Kalajdzievski 2023).</summary>
    public bool RankStabilized { get; init; }

    /// <summary>Other ranks for some of the layers, by name as in <see cref="AdapterOptions.Targets"/>; the first that fits counts.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Other alphas for some of the layers.</summary>
    public IReadOnlyDictionary<string, float> AlphaPattern { get; init; } = new Dictionary<string, float>();

    internal int RankOf(AdapterSite site) => site.Choose(RankPattern, Rank);

    internal float ScaleOf(AdapterSite site)
    {
        float alpha = site.Choose(AlphaPattern, Alpha);
        return RankStabilized ? alpha / MathF.Sqrt(RankOf(site)) : alpha / RankOf(site);
    }

    internal override LinearAdapter Build(Linear layer, IReadOnlyList<AdapterSite> sites) => new LoraAdapter(layer, sites, this);

    internal override void Validate()
    {
        base.Validate();
        foreach (int rank in RankPattern.Values.Append(Rank)) Positive(rank, "rank");
        foreach (float alpha in AlphaPattern.Values.Append(Alpha)) Positive(alpha, "alpha");
    }
}

/// <summary>
/// Low-rank adaptation (Hu et al. 2021): W x + (alpha / r) B A x. A starts uniform as He et al. 2015 with a = sqrt(5), B at zero:
/// the adapted layer starts as the layer.
/// </summary>
/// <remarks>
/// Of a fused projection each part may have an update of its own, as it has in libraries that keep queries, keys and values
/// apart.
/// </remarks>
public sealed class LoraAdapter : LinearAdapter
{
    readonly Update[] updates;

    internal LoraAdapter(Linear layer, IReadOnlyList<AdapterSite> sites, LoraOptions options) : base(layer.At.Later() / "lora", layer)
    {
        ModuleScope at = layer.At.Later() / "lora";
        updates = [.. sites.Select(site => new Update(site.Part.Length == 0 ? at : at / site.Part, site, options))];
    }

    /// <inheritdoc/>
    public override bool CanMerge => true;

    internal override IEnumerable<AdapterTensor> Tensors => updates.SelectMany(update => update.Tensors);

    /// <inheritdoc/>
    public override Variable Forward(Variable x)
    {
        LowRankUpdate[] parts = new LowRankUpdate[updates.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = updates[i].Of(x);
        return Functions.LowRankLinear(x, Layer.Weight, Layer.Bias, parts);
    }

    /// <inheritdoc/>
    protected override void AddTo(Tensor weight)
    {
        foreach (Update update in updates) update.AddTo(weight);
    }

    /// <summary>B A for all rows of the weight, or for some.</summary>
    sealed class Update(ModuleScope at, AdapterSite site, LoraOptions options)
    {
        readonly Parameter a = at.Parameter("a", [options.RankOf(site), site.Layer.Inputs], InitialValues.Uniform(1 / MathF.Sqrt(site.Layer.Inputs)));
        readonly Parameter b = at.Parameter("b", [site.Rows, options.RankOf(site)], InitialValues.Zeros);
        readonly Dropout dropout = new(at / "drop", options.Dropout);
        readonly float scale = options.ScaleOf(site);

        public IEnumerable<AdapterTensor> Tensors => [new(site, "lora_A", a), new(site, "lora_B", b)];

        public LowRankUpdate Of(Variable x) => new(dropout.Forward(x), a, b, scale, site.FirstRow);

        public void AddTo(Tensor weight)
        {
            using StepScope temporaries = StepScope.Begin();
            Tensor scaled = Elementwise.Map(new Scale(scale), b.Value);         // [rows, r]
            Matrices.MatMulInto(scaled, a.Value, weight.Slice(0, site.FirstRow, site.FirstRow + site.Rows), accumulate: true);
        }
    }
}
