using System.Text;

namespace Engine.Models;

/// <summary>The shape of a <see cref="UperNet"/>. The defaults are the usual ones on a Swin-T backbone for the 150 classes of ADE20K.</summary>
public sealed record UperNetConfig
{
    const int MostChannels = 1 << 16, MostScale = 1 << 10, MostClasses = 1 << 20, MostUnits = 64;

    /// <summary>The stage whose map the auxiliary head reads.</summary>
    public const int AuxiliaryStage = 2;

    /// <summary>The backbone; its classes play no part.</summary>
    public SwinConfig Backbone { get; init; } = SwinConfig.Tiny() with { WindowRule = WindowRule.PadAndShift, Classes = 0 };

    /// <summary>Classes of a pixel.</summary>
    public int Classes { get; init; } = 150;

    /// <summary>Channels of every map in the head.</summary>
    public int Channels { get; init; } = 512;

    /// <summary>Sides that the last map is pooled to.</summary>
    public IReadOnlyList<int> PoolScales { get; init; } = [1, 2, 3, 6];

    /// <summary>Whether there is an auxiliary head on the map of stage <see cref="AuxiliaryStage"/>, which helps in training alone.</summary>
    public bool HasAuxiliary { get; init; } = true;

    /// <summary>Channels of the auxiliary head.</summary>
    public int AuxiliaryChannels { get; init; } = 256;

    /// <summary>Convolutions of the auxiliary head before its classifier.</summary>
    public int AuxiliaryDepth { get; init; } = 1;

    /// <summary>Whether the auxiliary head's classifier sees the map beside what the convolutions made of it.</summary>
    public bool AuxiliaryKeepsInput { get; init; }

    /// <summary>What the auxiliary head's loss counts beside the head's.</summary>
    public float AuxiliaryWeight { get; init; } = 0.4f;

    /// <summary>This configuration, if a model can be built of it.</summary>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    public UperNetConfig Validated()
    {
        Backbone.Validated();
        Require(Classes is > 0 and <= MostClasses, $"{Classes} classes");
        Require(Channels is > 0 and <= MostChannels && AuxiliaryChannels is > 0 and <= MostChannels, $"channels ({Channels}, {AuxiliaryChannels} of the auxiliary head) must be positive and below {MostChannels}");
        Require(PoolScales.Count is > 0 and <= MostUnits && PoolScales.All(scale => scale is > 0 and <= MostScale), $"pool scales [{string.Join(", ", PoolScales)}]");
        Require(AuxiliaryDepth is >= 0 and <= MostUnits, $"{AuxiliaryDepth} convolutions of the auxiliary head");
        Require(AuxiliaryDepth > 0 || AuxiliaryChannels == AuxiliaryInputs || !HasAuxiliary, $"an auxiliary head without convolutions has the map's {AuxiliaryInputs} channels, not {AuxiliaryChannels}");
        Require(!HasAuxiliary || Backbone.Stages > AuxiliaryStage, $"the auxiliary head reads stage {AuxiliaryStage} of {Backbone.Stages}, counted from 0");
        Require(float.IsFinite(AuxiliaryWeight), $"the auxiliary loss counts {AuxiliaryWeight}");
        return this;
    }

    /// <summary>Channels of the map that the auxiliary head reads.</summary>
    public int AuxiliaryInputs => Backbone.WidthOf(AuxiliaryStage);

    /// <summary>Equal values, those of the lists one by one.</summary>
    public bool Equals(UperNetConfig? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    // With the lists' numbers: this line is what a resumed run compares.
    bool PrintMembers(StringBuilder text)
    {
        text.Append(FormattableString.Invariant($"Classes = {Classes}, Channels = {Channels}, PoolScales = [{string.Join(", ", PoolScales)}], "))
            .Append(FormattableString.Invariant($"HasAuxiliary = {HasAuxiliary}, AuxiliaryChannels = {AuxiliaryChannels}, AuxiliaryDepth = {AuxiliaryDepth}, "))
            .Append(FormattableString.Invariant($"AuxiliaryKeepsInput = {AuxiliaryKeepsInput}, AuxiliaryWeight = {AuxiliaryWeight:R}, Backbone = {Backbone}"));
        return true;
    }

    static void Require(bool condition, string problem)
    {
        if (!condition) throw new ArgumentException($"UperNetConfig: {problem}.");
    }
}
