using System.Text;

namespace Engine.Models;

/// <summary>How windows meet the border of a map whose sides are no multiples of theirs. The paper leaves it open.</summary>
public enum WindowRule
{
    /// <summary>The map is padded with zeros to whole windows, then shifted; one that is a single window then is not shifted.</summary>
    Pad,

    /// <summary>As <see cref="Pad"/>, but a single window is shifted too: the form of feature extractors for images of any size.</summary>
    PadAndShift,

    /// <summary>
    /// A window that is larger than the map at the model's image size is as small as the map. The map is shifted, then padded;
    /// a map that is not larger than the window is not shifted.
    /// </summary>
    Shrink,
}

/// <summary>The shape of a Swin transformer. The defaults are Swin-T at 224 pixels with ImageNet's 1000 classes.</summary>
public sealed partial record SwinConfig
{
    /// <summary>The most stages a model may have; the paper's have four.</summary>
    public const int MostStages = 8;

    // Far beyond any model: a typing error in a file shall end in a message, not in an overflow or in all memory being asked for.
    const int MostWidth = 1 << 16, MostDepth = 1 << 12, MostPatchesPerSide = 1 << 12, MostWindow = 1 << 7;

    /// <summary>Side of the square images in pixels, a multiple of <see cref="PatchSize"/>.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize { get; init; } = 4;

    /// <summary>Channels of the images.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Width C of the first stage; every further one is twice as wide.</summary>
    public int Width { get; init; } = 96;

    /// <summary>Blocks of each stage.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [2, 2, 6, 2];

    /// <summary>Attention heads of each stage.</summary>
    public IReadOnlyList<int> Heads { get; init; } = [3, 6, 12, 24];

    /// <summary>Side M of a window in patches.</summary>
    public int WindowSize { get; init; } = 7;

    /// <summary>What becomes of windows at the border.</summary>
    public WindowRule WindowRule { get; init; } = WindowRule.Pad;

    /// <summary>Hidden width of a block's MLP, in widths.</summary>
    public float MlpRatio { get; init; } = 4;

    /// <summary>Classes of the head; 0 for a model without one, whose result is the features.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>Added to the variance in every layer norm.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>The MLP's nonlinearity.</summary>
    public Activation Activation { get; init; } = Activation.Gelu;

    /// <summary>Whether the fused projection to queries, keys and values has a bias.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Dropout while training: after the attention and both MLP layers.</summary>
    public float Dropout { get; init; }

    /// <summary>Stochastic depth of the last block while training; it rises linearly from 0 in the first.</summary>
    public float DropPath { get; init; }

    /// <summary>Number of stages.</summary>
    public int Stages => Depths.Count;

    /// <summary>Width of a stage.</summary>
    public int WidthOf(int stage) => Width << stage;

    /// <summary>Side of a stage's map in patches, at <see cref="ImageSize"/>; odd ones are padded before they are halved.</summary>
    public int MapOf(int stage)
    {
        int side = ImageSize / PatchSize;
        for (int i = 0; i < stage; i++) side = (side + 1) / 2;
        return side;
    }

    /// <summary>Side of a stage's windows.</summary>
    public int WindowOf(int stage) => WindowRule == WindowRule.Shrink ? Math.Min(WindowSize, MapOf(stage)) : WindowSize;

    /// <summary>This configuration, if a model can be built of it.</summary>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    public SwinConfig Validated()
    {
        Require(Depths.Count == Heads.Count && Depths.Count is > 0 and <= MostStages, $"{Depths.Count} stages by their depths and {Heads.Count} by their heads, from 1 to {MostStages} are possible");
        Require(Channels > 0 && Width > 0 && WindowSize > 0, $"channels ({Channels}), width ({Width}) and window ({WindowSize}) must be positive");
        Require(PatchSize > 0 && ImageSize > 0 && ImageSize % PatchSize == 0, $"images of {ImageSize} pixels do not divide into patches of {PatchSize}");
        Require(ImageSize / PatchSize <= MostPatchesPerSide && PatchSize <= MostWidth && Channels <= MostWidth && Width <= MostWidth && WindowSize <= MostWindow
            && MlpRatio is > 0 and <= 64 && Depths.All(depth => depth <= MostDepth), $"no model is of this size: {this}");
        for (int stage = 0; stage < Stages; stage++)
        {
            Require(Depths[stage] > 0, $"stage {stage} has {Depths[stage]} blocks");
            Require(Heads[stage] > 0 && WidthOf(stage) % Heads[stage] == 0, $"width {WidthOf(stage)} of stage {stage} is not a multiple of {Heads[stage]} heads");
        }

        Require((int)(Width * MlpRatio) > 0, $"an MLP of {MlpRatio} times the width has no width");
        Require(Classes >= 0, $"{Classes} classes");
        Require(Epsilon > 0 && float.IsFinite(Epsilon), $"epsilon {Epsilon} is not a positive number");
        Require(Enum.IsDefined(Activation) && Enum.IsDefined(WindowRule), $"no activation {Activation} or no window rule {WindowRule}");
        return this;
    }

    /// <summary>Equal values, those of the lists one by one.</summary>
    public bool Equals(SwinConfig? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    // With the lists' numbers: this line is what a resumed run compares.
    bool PrintMembers(StringBuilder text)
    {
        text.Append(FormattableString.Invariant($"ImageSize = {ImageSize}, PatchSize = {PatchSize}, Channels = {Channels}, Width = {Width}, "))
            .Append(FormattableString.Invariant($"Depths = [{string.Join(", ", Depths)}], Heads = [{string.Join(", ", Heads)}], "))
            .Append(FormattableString.Invariant($"WindowSize = {WindowSize}, WindowRule = {WindowRule}, MlpRatio = {MlpRatio:R}, Classes = {Classes}, "))
            .Append(FormattableString.Invariant($"Epsilon = {Epsilon:R}, Activation = {Activation}, QkvBias = {QkvBias}, Dropout = {Dropout:R}, DropPath = {DropPath:R}"));
        return true;
    }

    static void Require(bool condition, string problem)
    {
        if (!condition) throw new ArgumentException($"SwinConfig: {problem}.");
    }
}
