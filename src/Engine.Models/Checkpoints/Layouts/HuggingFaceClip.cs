using System.Text.Json.Nodes;
using Engine.Tensors;

namespace Engine.Models;

/// <summary>
/// The image tower of Hugging Face transformers' CLIP: <c>CLIPVisionModelWithProjection</c>, without the projection
/// <c>CLIPVisionModel</c>, or in the whole <c>CLIPModel</c>, whose text tower is kept as it is. The library has no head over the
/// projected embedding; ours is stored beside the tower as <c>classifier</c> and counted in config.json under a key of our own,
/// which the library passes over.
/// </summary>
sealed class HuggingFaceClip : VitLayout
{
    const string Whole = "CLIPModel", Projecting = "CLIPVisionModelWithProjection", Plain = "CLIPVisionModel";
    const string ClassesKey = "classifier_classes";
    const string VisionKey = "vision_config";

    /// <inheritdoc/>
    public override ModelLibrary Library => ModelLibrary.HuggingFace;

    /// <inheritdoc/>
    public override string Family => "CLIP";

    /// <inheritdoc/>
    public override string Mark => "vision_model.encoder.layers.0.self_attn.q_proj.weight";

    /// <inheritdoc/>
    public override NameTable Names { get; } = new(
        new("class_token", "vision_model.embeddings.class_embedding"),
        new("position_embedding", "vision_model.embeddings.position_embedding.weight"),
        new("patch_embedding.*", "vision_model.embeddings.patch_embedding.*"),
        new("pre_norm.*", "vision_model.pre_layrnorm.*"),               // so spelled
        new("blocks.*.norm1.*", "vision_model.encoder.layers.*.layer_norm1.*"),
        new("blocks.*.attn.qkv.*",
            "vision_model.encoder.layers.*.self_attn.q_proj.*",
            "vision_model.encoder.layers.*.self_attn.k_proj.*",
            "vision_model.encoder.layers.*.self_attn.v_proj.*"),
        new("blocks.*.attn.proj.*", "vision_model.encoder.layers.*.self_attn.out_proj.*"),
        new("blocks.*.norm2.*", "vision_model.encoder.layers.*.layer_norm2.*"),
        new("blocks.*.mlp.fc1.*", "vision_model.encoder.layers.*.mlp.fc1.*"),
        new("blocks.*.mlp.fc2.*", "vision_model.encoder.layers.*.mlp.fc2.*"),
        new("norm.*", "vision_model.post_layernorm.*"),
        new("projection.*", "visual_projection.*"),
        new("head.*", "classifier.*"));

    /// <inheritdoc/>
    public override IReadOnlyList<string> Unused { get; } = ["text_model.*", "text_projection.*", "logit_scale", Positions];

    // 0, 1, 2, ... in files of older versions.
    const string Positions = "vision_model.embeddings.position_ids";

    /// <inheritdoc/>
    public override Shape StoredShape(string parameter, Shape shape) => parameter switch
    {
        "class_token" => [shape[2]],
        "position_embedding" => [shape[1], shape[2]],
        _ => shape,
    };

    /// <inheritdoc/>
    public override ModelPlan Plan(ConfigFile config, LoadOptions options)
    {
        ModelPlan plan = base.Plan(config, options);
        if (plan.Refits.Count > 0) plan.Obsolete.Add(Positions);
        return plan;
    }

    /// <inheritdoc/>
    public override VitConfig Read(ConfigFile config)
    {
        string type = config.Text("model_type", "clip");
        if (type is not ("clip" or "clip_vision_model"))
            throw config.Fault($"\"model_type\" is \"{type}\"; known with these tensors are clip and clip_vision_model");
        string architecture = config.Texts("architectures") is [string first, ..] ? first : type == "clip" ? Whole : Projecting;
        if (architecture is not (Whole or Projecting or Plain))
            throw config.Fault($"\"architectures\" names \"{architecture}\"; known are {Whole}, {Projecting} and {Plain}");
        ConfigFile vision = config.Has(VisionKey) ? config.Section(VisionKey) : config;

        // The defaults are the library's, which leaves them out of an inner object: ViT-B/32.
        int width = vision.Integer("hidden_size", 768);
        return new()
        {
            ImageSize = vision.Integer("image_size", 224),
            PatchSize = vision.Integer("patch_size", 32),
            Channels = vision.Integer("num_channels", 3),
            Width = width,
            Depth = vision.Integer("num_hidden_layers", 12),
            Heads = vision.Integer("num_attention_heads", 12),
            MlpWidth = vision.Integer("intermediate_size", 3072),
            Epsilon = vision.Number("layer_norm_eps", 1e-5f),
            Activation = vision.Has("hidden_act") ? ReadActivation(vision, "hidden_act") : Activation.QuickGelu,
            PreNorm = true,
            ProjectionWidth = architecture == Plain ? null : config.Integer("projection_dim", vision.Integer("projection_dim", 512)),
            Classes = config.Integer(ClassesKey, 0),
        };
    }

    /// <inheritdoc/>
    public override void SetClasses(JsonObject config, int classes) => config[ClassesKey] = classes;

    /// <inheritdoc/>
    public override void SetImageSize(JsonObject config, int imageSize)
    {
        if (config[VisionKey] is JsonObject vision) vision["image_size"] = imageSize;
        else config["image_size"] = imageSize;
    }

    /// <inheritdoc/>
    public override bool Fits(Module model) => model is VisionTransformer { Config.PreNorm: true };

    /// <inheritdoc/>
    public override string? Lacks(Module model) => Beyond(((VisionTransformer)model).Config with { PreNorm = false, ProjectionWidth = null });

    /// <inheritdoc/>
    public override byte[] Describe(Module model, string folder)
    {
        VitConfig vit = ((VisionTransformer)model).Config;
        JsonObject config = WriteFlat(vit);
        config.Insert(0, "architectures", new JsonArray(vit.ProjectionWidth is null ? Plain : Projecting));
        config.Insert(1, "model_type", "clip_vision_model");
        if (vit.ProjectionWidth is { } projection) config["projection_dim"] = projection;
        if (vit.Classes > 0) SetClasses(config, vit.Classes);
        return ConfigFile.Write(config);
    }
}
