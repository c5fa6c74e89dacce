using System.Text.Json.Nodes;

namespace Engine.Models;

/// <summary>
/// torchvision's <c>vit_b_16</c> and its like. The library has no config.json; the flat form stands beside the weights. The
/// files on its server bear older names for the MLP than the models do in memory.
/// </summary>
/// <param name="first">The MLP's first layer: <c>0</c>, in older files <c>linear_1</c>.</param>
/// <param name="second">The second: <c>3</c>, in older files <c>linear_2</c>.</param>
sealed class TorchvisionVit(string first, string second) : VitLayout
{
    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.Torchvision;

    /// <inheritdoc/>
    public override string Mark => $"encoder.layers.encoder_layer_0.mlp.{first}.weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = new(
        new("class_token", "class_token"),
        new("position_embedding", "encoder.pos_embedding"),
        new("patch_embedding.*", "conv_proj.*"),
        new("blocks.*.norm1.*", "encoder.layers.encoder_layer_*.ln_1.*"),
        new("blocks.*.attn.qkv.*", "encoder.layers.encoder_layer_*.self_attention.in_proj_*"),
        new("blocks.*.attn.proj.*", "encoder.layers.encoder_layer_*.self_attention.out_proj.*"),
        new("blocks.*.norm2.*", "encoder.layers.encoder_layer_*.ln_2.*"),
        new("blocks.*.mlp.fc1.*", $"encoder.layers.encoder_layer_*.mlp.{first}.*"),
        new("blocks.*.mlp.fc2.*", $"encoder.layers.encoder_layer_*.mlp.{second}.*"),
        new("norm.*", "encoder.ln.*"),
        new("head.*", "heads.head.*"));

    /// <inheritdoc/>
    public override VitConfig Read(ConfigFile config) => ReadFlat(config, epsilon: 1e-6f, config.Integer("num_labels"));

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => config["num_labels"] = classes;

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is VisionTransformer && first == "0";

    /// <inheritdoc/>
    public override string? Lacks(Module model)
    {
        VitConfig vit = ((VisionTransformer)model).Config;
        return Beyond(vit) ?? (vit.Activation == Activation.Gelu ? null : $"activation {WriteActivation(vit.Activation)}");
    }

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder)
    {
        VitConfig vit = ((VisionTransformer)model).Config;
        JsonObject config = WriteFlat(vit);
        config.Insert(0, "architecture", "vit");
        config["num_labels"] = vit.Classes;
        return ConfigFile.Write(config);
    }
}
