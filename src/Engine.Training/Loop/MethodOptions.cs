using System.Globalization;
using Engine.Optim;

namespace Engine.Training;

/// <summary>The knobs of the robust fine-tuning methods; each is for the optimizers that its text names. See docs/methods.md.</summary>
public sealed record MethodOptions
{
    /// <summary>All of Adam's kin: divide by the largest second moment so far.</summary>
    public bool AmsGrad { get; init; }

    /// <summary>L2-SP: the pull to zero of parameters without an anchor, the head.</summary>
    public double HeadDecay { get; init; }

    /// <summary>MARS-SP: how far a row may be from its pre-trained value.</summary>
    public double Radius { get; init; } = 1;

    /// <summary>FTP: what a positive gradient of a radius is multiplied with.</summary>
    public double Annealing { get; init; } = 1;

    /// <summary>FTP, DiGraP, TPGM: the learning rate of radii and of omega, the mu of the papers.</summary>
    public double Mu { get; init; } = 1e-2;

    /// <summary>Any optimizer: the factor of the learning rate from a layer to the one before it; null for the same rate everywhere.</summary>
    public double? LayerDecay { get; init; }

    /// <summary>SPD: lambda falls over depth, all of it for the embeddings and none for the head (MAPS).</summary>
    public bool LambdaOverDepth { get; init; }

    /// <summary>SPD: what is projected as one.</summary>
    public ProjectionGrain Grain { get; init; }

    /// <summary>SPD: the gradient of the condition.</summary>
    public ConditionGradient Condition { get; init; }

    /// <summary>SPD: how much of the condition's running mean stays in a step.</summary>
    public double ConditionDecay { get; init; }

    /// <summary>SPD: what is left out of the method.</summary>
    public ProjectionAblation Ablation { get; init; }

    /// <summary>SPD with LoRA: a pair is one layer, by its product.</summary>
    public bool LowRankProducts { get; init; }

    /// <summary>Adapters are anchored at their start instead of at zero.</summary>
    public bool AdaptersAtStart { get; init; }

    /// <summary>Where anchors are kept.</summary>
    public AnchorStorage AnchorStorage { get; init; }

    /// <summary>What differs from the defaults, in words.</summary>
    internal string Describe()
    {
        MethodOptions usual = new();
        (string Name, IFormattable Mine, IFormattable Usual)[] all =
        [
            ("largest second moment", AmsGrad ? 1 : 0, 0),
            ("head decay", HeadDecay, usual.HeadDecay),
            ("radius", Radius, usual.Radius),
            ("annealing", Annealing, usual.Annealing),
            ("mu", Mu, usual.Mu),
            ("layer decay", LayerDecay ?? 1, 1.0),
            ("lambda over depth", LambdaOverDepth ? 1 : 0, 0),
            ("grain", Grain, usual.Grain),
            ("condition", Condition, usual.Condition),
            ("condition decay", ConditionDecay, usual.ConditionDecay),
            ("ablation", Ablation, usual.Ablation),
            ("low-rank products", LowRankProducts ? 1 : 0, 0),
            ("adapters at start", AdaptersAtStart ? 1 : 0, 0),
            ("anchors in", AnchorStorage, usual.AnchorStorage),
        ];
        string[] other = [.. all.Where(each => !each.Mine.Equals(each.Usual)).Select(each => $"{each.Name} {each.Mine.ToString(null, CultureInfo.InvariantCulture)}")];
        return other.Length == 0 ? "the usual" : string.Join(", ", other);
    }

    internal OptionFault? Fault() =>
        TrainingOptions.Check(HeadDecay is >= 0 and < double.PositiveInfinity, nameof(HeadDecay), HeadDecay, "0 or more")
        ?? TrainingOptions.Check(Radius is >= 0 and < double.PositiveInfinity, nameof(Radius), Radius, "0 or more")
        ?? TrainingOptions.Check(Annealing is >= 0 and < double.PositiveInfinity, nameof(Annealing), Annealing, "0 or more")
        ?? TrainingOptions.Check(Mu is >= 0 and < double.PositiveInfinity, nameof(Mu), Mu, "0 or more")
        ?? TrainingOptions.Check(LayerDecay is null or (> 0 and <= 1), nameof(LayerDecay), LayerDecay ?? 0, "above 0 and at most 1")
        ?? TrainingOptions.Check(ConditionDecay is >= 0 and < 1, nameof(ConditionDecay), ConditionDecay, "at least 0 and below 1");
}
