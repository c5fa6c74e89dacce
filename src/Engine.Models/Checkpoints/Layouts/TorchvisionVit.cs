using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>torchvision's <c>vit_b_16</c> and its like. The library has no config.json; the flat form stands beside the weights.</summary>
sealed class TorchvisionVit : VitLayout
{
    /// <inheritdoc/>
    public override string Name => "torchvision ViT";

    /// <inheritdoc/>
    public override string Mark => "encoder.layers.encoder_layer_0.self_attention.in_proj_weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = new(
        new("class_token", "class_token"),
        new("position_embedding", "encoder.pos_embedding"),
        new("patch_embedding.*", "conv_proj.*"),
        new("blocks.*.norm1.*", "encoder.layers.encoder_layer_*.ln_1.*"),
        new("blocks.*.attn.qkv.*", "encoder.layers.encoder_layer_*.self_attention.in_proj_*"),
        new("blocks.*.attn.proj.*", "encoder.layers.encoder_layer_*.self_attention.out_proj.*"),
        new("blocks.*.norm2.*", "encoder.layers.encoder_layer_*.ln_2.*"),
        new("blocks.*.mlp.fc1.*", "encoder.layers.encoder_layer_*.mlp.0.*"),
        new("blocks.*.mlp.fc2.*", "encoder.layers.encoder_layer_*.mlp.3.*"),
        new("norm.*", "encoder.ln.*"),
        new("head.*", "heads.head.*"));

    /// <inheritdoc/>
    protected override VitConfig Read(ConfigFile config) => ReadFlat(config, epsilon: 1e-6f, config.Integer("num_labels"));

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => config["num_labels"] = classes;
}
