namespace Engine.Models;

/// <summary>
/// torchvision's <c>swin_t</c> and its like, one list of <c>features</c>: the embedding, then stages and mergings in turn. The
/// library has no config.json; the flat form stands beside the weights.
/// </summary>
sealed class TorchvisionSwin : SwinLayout
{
    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.Torchvision;

    /// <inheritdoc/>
    public override string Mark => "features.1.0.attn.qkv.weight";

    /// <inheritdoc/>
    protected override WindowRule Rule => WindowRule.Pad;

    /// <inheritdoc/>
    public override NameTable Names { get; } = Table(
        stage => $"features.{2 * stage + 1}.*",
        stage => $"features.{2 * stage}",
        [
            ("norm1.*", ["norm1.*"]),
            ("attn.qkv.*", ["attn.qkv.*"]),
            ("attn.proj.*", ["attn.proj.*"]),
            ("position_bias.table", ["attn.relative_position_bias_table"]),
            ("norm2.*", ["norm2.*"]),
            ("mlp.fc1.*", ["mlp.0.*"]),
            ("mlp.fc2.*", ["mlp.3.*"]),
        ],
        new("backbone.patch_embedding.*", "features.0.0.*"),
        new("backbone.patch_norm.*", "features.0.2.*"),
        new("norm.*", "norm.*"),
        new("head.*", "head.*"));

    /// <inheritdoc/>
    public override IReadOnlyList<string> Unused { get; } = ["features.*.relative_position_index"];
}
