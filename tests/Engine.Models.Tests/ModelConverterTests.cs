using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class ModelConverterTests : IDisposable
{
    static readonly string[] Libraries = ["timm", "torchvision", "hf"];

    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    /// <summary>Every image model that several libraries have, in each library's layout, to each other's.</summary>
    public static TheoryData<string, string> Pairs
    {
        get
        {
            TheoryData<string, string> pairs = [];
            foreach (string family in (string[])["vit", "swin"])
                foreach (string from in Libraries)
                    foreach (string to in Libraries)
                        if (from != to && ModelFixtures.Names($"{family}_{from}").Any()) pairs.Add($"{family}_{from}", to);
            return pairs;
        }
    }

    [Theory, MemberData(nameof(Pairs))]
    public void The_converted_folder_loads_with_the_same_logits_and_comes_back_to_the_byte(string name, string to)
    {
        string source = ModelFixtures.Folder(name);
        Conversion there = ModelConverter.Convert(source, scratch["there"], new() { Library = Library(to) });
        LoadedModel<ImageClassifier> before = ModelFolder.Load<ImageClassifier>(source), after = ModelFolder.Load<ImageClassifier>(scratch["there"]);
        Assert.Equal((before.Layout, after.Layout), (there.From, there.To));
        Assert.NotEqual(before.Layout, after.Layout);
        using StepScope step = StepScope.Begin();
        Tensor pixels = RandomNumbers.Normal([3, 3, before.Model.ImageSize, before.Model.ImageSize], new Philox(5));
        TensorAssert.SameBits(after.Model.Forward(pixels).Value, before.Model.Forward(pixels).Value, "logits");

        ModelConverter.Convert(scratch["there"], scratch["back"], new() { Library = Library(name[(name.IndexOf('_', StringComparison.Ordinal) + 1)..]) });
        Assert.True(File.ReadAllBytes(Path.Combine(source, "model.safetensors")).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(scratch["back"], "model.safetensors"))));
        LoadedModel<ImageClassifier> back = ModelFolder.Load<ImageClassifier>(scratch["back"]);
        Assert.Equal(before.Model.Architecture, back.Model.Architecture);
    }

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void Weights_are_stored_in_the_type_asked_for(DType type)
    {
        SafeTensorType stored = type == DType.Float16 ? SafeTensorType.F16 : SafeTensorType.BF16;
        ModelConverter.Convert(ModelFixtures.Folder("vit_timm"), scratch["hf"], new() { Library = ModelLibrary.HuggingFace, Type = type });
        ModelConverter.Convert(ModelFixtures.Folder("vit_timm"), scratch["timm"], new() { Type = type });
        foreach (string folder in (string[])["hf", "timm"])
        {
            using ShardedSafeTensors file = ShardedSafeTensors.Open(scratch[folder]);
            Assert.All(file.Items.Values, item => Assert.Equal(stored, item.Type));
        }

        VisionTransformer exact = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm")).Model;
        VisionTransformer rounded = ModelFolder.Load<VisionTransformer>(scratch["timm"]).Model, other = ModelFolder.Load<VisionTransformer>(scratch["hf"]).Model;
        foreach (string name in (string[])["blocks.1.attn.qkv.weight", "position_embedding", "head.bias"])
        {
            TensorAssert.SameBits(rounded[name].Value, exact[name].Value.To(type).To(DType.Float32), name);
            TensorAssert.SameBits(rounded[name].Value, other[name].Value, name);
        }
    }

    [Fact]
    public void A_type_alone_keeps_the_layout_and_everything_beside_the_weights()
    {
        string folder = ModelFixtures.Copy("clip_vision_hf", scratch);
        ModelFixtures.Rewrite(folder, item => item, new("text_model.embeddings.position_ids", SafeTensorType.I64, 1, 77), new("logit_scale", SafeTensorType.F32));
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        config["torch_dtype"] = "float32";
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), "{}");
        File.WriteAllText(Path.Combine(folder, "training_state.safetensors"), "not the model's");
        Conversion conversion = ModelConverter.Convert(folder, scratch["half"], new() { Type = DType.BFloat16 });
        Assert.Equal(("Hugging Face CLIP", "Hugging Face CLIP"), (conversion.From, conversion.To));
        Assert.Equal(["config.json", "model.safetensors", "preprocessor_config.json"], Directory.GetFiles(scratch["half"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using ShardedSafeTensors half = ShardedSafeTensors.Open(scratch["half"]);
        Assert.Equal(SafeTensorType.I64, half.Items["text_model.embeddings.position_ids"].Type);
        Assert.Equal(SafeTensorType.BF16, half.Items["logit_scale"].Type);
        Assert.Equal("bfloat16", JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["half"], "config.json")))!["torch_dtype"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("llama_mha", DType.BFloat16, SafeTensorType.BF16)]
    [InlineData("llama_bf16", DType.Float32, SafeTensorType.F32)]
    public void Any_model_of_one_layout_can_change_its_type(string name, DType type, SafeTensorType stored)
    {
        Assert.SkipUnless(ModelLayout.All.Any(layout => layout.Family.StartsWith("LLaMA", StringComparison.OrdinalIgnoreCase)), "no LLaMA here yet");
        ModelConverter.Convert(ModelFixtures.Folder(name), scratch["out"], new() { Library = ModelLibrary.HuggingFace, Type = type });
        using ShardedSafeTensors before = ShardedSafeTensors.Open(ModelFixtures.Folder(name)), after = ShardedSafeTensors.Open(scratch["out"]);
        Assert.Equal(before.Items.Keys, after.Items.Keys);
        Assert.All(after.Items.Values, item => Assert.Equal(stored, item.Type));
    }

    [Fact]
    public void Without_anything_to_change_a_folder_comes_out_as_it_went_in()
    {
        ModelConverter.Convert(ModelFixtures.Folder("clip_vision_hf"), scratch["same"], new());
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder("clip_vision_hf"), scratch["same"]);
    }

    [Fact]
    public void Class_names_go_where_the_library_keeps_them()
    {
        string[] names = ["a", "b", "c", "d", "e", "f", "g"];
        ModelConverter.Convert(ModelFixtures.Folder("vit_timm"), scratch["hf"], new() { Library = ModelLibrary.HuggingFace, ClassNames = names });
        JsonNode hf = JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["hf"], "config.json")))!;
        Assert.Equal(("c", 2), (hf["id2label"]!["2"]!.GetValue<string>(), hf["label2id"]!["c"]!.GetValue<int>()));
        ModelConverter.Convert(scratch["hf"], scratch["timm"], new() { Library = ModelLibrary.Timm });
        JsonNode timm = JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["timm"], "config.json")))!;
        Assert.Equal(names, timm["label_names"]!.AsArray().Select(name => name!.GetValue<string>()));
    }

    // timm's _parse_model_cfg: without pretrained_cfg the whole file is taken for it and model_args are dropped. The architectures
    // are those that its vision_transformer.py and swin_transformer.py register.
    [Theory]
    [InlineData("vit_torchvision", "vit_base_patch8_224", """{"img_size": 32, "embed_dim": 48, "depth": 3, "num_heads": 3}""", "head")]
    [InlineData("swin_hf", "swin_tiny_patch4_window7_224", """{"img_size": 32, "patch_size": 2, "embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4}""", "head.fc")]
    public void Timms_config_is_the_hubs_that_the_library_reads(string name, string architecture, string arguments, string head)
    {
        Dictionary<string, JsonNode> entries = new() { ["pretrained_cfg"] = new JsonObject { ["mean"] = new JsonArray(0.5, 0.5, 0.5) } };
        ModelConverter.Convert(ModelFixtures.Folder(name), scratch["timm"], new() { Library = ModelLibrary.Timm, ConfigEntries = entries });
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["timm"], "config.json")))!;
        Assert.Equal((architecture, 7), (config["architecture"]!.GetValue<string>(), config["num_classes"]!.GetValue<int>()));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(arguments), config["model_args"]), config["model_args"]!.ToJsonString());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse($$"""{"first_conv": "patch_embed.proj", "classifier": "{{head}}", "mean": [0.5, 0.5, 0.5]}"""), config["pretrained_cfg"]));
    }

    [Theory]
    [InlineData("vit-ti16", "vit_tiny_patch16_224")]
    [InlineData("vit-b32", "vit_base_patch32_224")]
    [InlineData("swin-t", "swin_tiny_patch4_window7_224")]
    [InlineData("swin-s", "swin_small_patch4_window7_224")]
    [InlineData("swin-b", "swin_base_patch4_window7_224")]
    [InlineData("swin-l", "swin_large_patch4_window7_224")]
    public void A_published_size_is_timms_architecture_and_nothing_departs_from_it(string size, string architecture)
    {
        ModuleScope nothing = ModuleScope.Root(initialize: false);
        Module model = size.StartsWith("vit", StringComparison.Ordinal) ? new VisionTransformer(nothing, VitConfig.Named(size)) : new SwinTransformer(nothing, SwinConfig.Named(size));
        JsonNode config = JsonNode.Parse(ModelLayout.For(model, ModelLibrary.Timm, "folder").Describe(model, "folder"))!;
        foreach (Parameter parameter in model.Parameters) parameter.Value.Release();
        Assert.Equal(architecture, config["architecture"]!.GetValue<string>());
        Assert.Null(config["model_args"]);
    }

    // timm's SwinTransformer: a stage merges patches before its blocks, so the first has none; the classifier is ClassifierHead's fc.
    [Fact]
    public void A_swin_transformer_has_timms_own_names_in_its_layout()
    {
        ModelConverter.Convert(ModelFixtures.Folder("swin_torchvision"), scratch["timm"], new() { Library = ModelLibrary.Timm });
        using SafeTensors file = SafeTensors.Open(Path.Combine(scratch["timm"], "model.safetensors"));
        string[] block = ["attn.proj.bias", "attn.proj.weight", "attn.qkv.bias", "attn.qkv.weight", "attn.relative_position_bias_table",
            "mlp.fc1.bias", "mlp.fc1.weight", "mlp.fc2.bias", "mlp.fc2.weight", "norm1.bias", "norm1.weight", "norm2.bias", "norm2.weight"];
        string[] expected =
        [
            "head.fc.bias", "head.fc.weight",
            .. block.Select(part => $"layers.0.blocks.0.{part}"), .. block.Select(part => $"layers.0.blocks.1.{part}"),
            .. block.Select(part => $"layers.1.blocks.0.{part}"), .. block.Select(part => $"layers.1.blocks.1.{part}"),
            "layers.1.downsample.norm.bias", "layers.1.downsample.norm.weight", "layers.1.downsample.reduction.weight",
            "norm.bias", "norm.weight", "patch_embed.norm.bias", "patch_embed.norm.weight", "patch_embed.proj.bias", "patch_embed.proj.weight",
        ];
        Assert.Equal(expected, file.Items.Keys);
    }

    [Fact]
    public void An_activation_that_timms_swin_does_not_have_is_refused_by_name() => Assert.Equal(
        "out: cannot be written: timm Swin has no activation silu",
        Assert.Throws<CheckpointException>(() => ModelLayout.For(new SwinTransformer(SwinFixtures.Small with { Activation = Activation.Silu, WindowRule = WindowRule.Shrink }), ModelLibrary.Timm, "out")).Message);

    [Theory]
    [InlineData(SafeTensorType.BF16, 1)]
    [InlineData(SafeTensorType.F32, 7)]
    [InlineData(SafeTensorType.F16, 1 << 20)]
    public void A_tensor_is_recast_in_parts_as_in_one(SafeTensorType type, int partLength)
    {
        using SafeTensors file = SafeTensors.Open(Path.Combine(ModelFixtures.Folder("vit_timm"), "model.safetensors"));
        const string name = "blocks.1.attn.qkv.bias";
        Assert.Equal(StoredTensor.Bytes(file.Map(name), type), StoredTensor.Recast(file, name, type, partLength).SelectMany(part => part));
    }

    [Fact, Trait("Speed", "Slow")]
    public void A_tensor_of_more_than_2_GB_is_copied()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs sparse files.");
        Assert.SkipWhen(new DriveInfo(scratch.Folder).AvailableFreeSpace < 8L << 30, "Needs 8 GB of disk.");
        const long Length = (1L << 31) + 16;
        string folder = ModelFixtures.Copy("llama_mha", scratch), path = Path.Combine(folder, "model.safetensors");
        string header = $$$"""{"model.layers.0.self_attn.q_proj.weight":{"dtype":"U8","shape":[{{{Length}}}],"data_offsets":[0,{{{Length}}}]}}""";
        File.Move(scratch.Raw(header.PadRight((header.Length + 7) / 8 * 8), 0), path, overwrite: true);
        using (FileStream sparse = new(path, FileMode.Open))
        {
            sparse.SetLength(sparse.Length + Length);
            sparse.Position = sparse.Length - 1;
            sparse.WriteByte(77);
        }

        ModelConverter.Convert(folder, scratch["copy"], new());
        using SafeTensors copy = SafeTensors.Open(Path.Combine(scratch["copy"], "model.safetensors"));
        Assert.Equal(77, copy.Read("model.layers.0.self_attn.q_proj.weight", Length - 1, 1)[0]);
    }

    [Fact]
    public void An_encoder_without_head_goes_and_its_pooler_is_named_as_left_behind()
    {
        string folder = ModelFixtures.Copy("vit_hf", scratch), path = Path.Combine(folder, "config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("ViTForImageClassification", "ViTModel", StringComparison.Ordinal));
        ModelFixtures.Rewrite(folder,
            item => item.Name.StartsWith("classifier.", StringComparison.Ordinal) ? null : new(item.Name["vit.".Length..], item.Type, item.Shape),
            new("pooler.dense.weight", SafeTensorType.F32, 48, 48), new("pooler.dense.bias", SafeTensorType.F32, 48));
        Conversion conversion = ModelConverter.Convert(folder, scratch["timm"], new() { Library = ModelLibrary.Timm });
        Assert.Equal(["pooler.dense.weight", "pooler.dense.bias"], conversion.LeftBehind);
        Assert.Equal(0, ModelFolder.Load<VisionTransformer>(scratch["timm"]).Model.Classes);
        ModelConverter.Convert(scratch["timm"], scratch["back"], new() { Library = ModelLibrary.HuggingFace });
        Assert.Equal("Hugging Face ViT", ModelFolder.Load<VisionTransformer>(scratch["back"]).Layout);
    }

    [Fact]
    public void Timms_clip_tower_goes_to_hugging_face_and_back()
    {
        VisionTransformer tower = new(ModelFixtures.Small with { PreNorm = true, Activation = Activation.QuickGelu, Epsilon = 1e-5f }, seed: 2);
        ModelFolder.Save(tower, scratch["timm"]);
        ModelConverter.Convert(scratch["timm"], scratch["hf"], new() { Library = ModelLibrary.HuggingFace });
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(scratch["hf"]);
        Assert.Equal(("Hugging Face CLIP", tower.Config), (loaded.Layout, loaded.Model.Config));
        ModelConverter.Convert(scratch["hf"], scratch["back"], new() { Library = ModelLibrary.Timm });
        ModelFixtures.AssertSameFolders(scratch["timm"], scratch["back"]);
    }

    public static TheoryData<string, string, string> Traits => new()
    {
        { "pooling", "torchvision", "torchvision ViT has no average pooling" },
        { "pooling", "hf", "Hugging Face ViT has no average pooling" },
        { "class token", "hf", "has no average pooling" },
        { "layer scale", "hf", "Hugging Face ViT has no layer scale" },
        { "layer scale", "torchvision", "torchvision ViT has no layer scale" },
        { "bias", "torchvision", "torchvision ViT has no attention without bias" },
        { "activation", "torchvision", "torchvision ViT has no activation silu" },
        { "norm", "torchvision", "torchvision ViT has no norm before the blocks" },
        { "projection", "timm", "timm ViT has no projection without bias before its head" },
        { "projection", "torchvision", "torchvision ViT has no projection before the head" },
    };

    [Theory, MemberData(nameof(Traits))]
    public void What_a_library_cannot_say_is_refused_by_name_and_nothing_is_written(string trait, string to, string problem)
    {
        VitConfig config = trait switch
        {
            "pooling" => ModelFixtures.Small with { Pooling = Pooling.Average },
            "class token" => ModelFixtures.Small with { Pooling = Pooling.Average, HasClassToken = false },
            "layer scale" => ModelFixtures.Small with { LayerScale = 0.1f },
            "bias" => ModelFixtures.Small with { QkvBias = false },
            "activation" => ModelFixtures.Small with { Activation = Activation.Silu },
            "norm" => ModelFixtures.Small with { PreNorm = true },
            _ => ModelFixtures.Small with { PreNorm = true, ProjectionWidth = 6 },
        };
        ModelFolder.Save(new VisionTransformer(config), scratch["model"]);
        string message = Assert.Throws<CheckpointException>(() => ModelConverter.Convert(scratch["model"], scratch["out"], new() { Library = Library(to) })).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(["model"], Directory.GetFileSystemEntries(scratch.Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void A_folder_with_files_is_not_written_over()
    {
        Directory.CreateDirectory(scratch["full"]);
        File.WriteAllText(Path.Combine(scratch["full"], "notes.txt"), "mine");
        foreach (string target in (string[])[scratch["full"], ModelFixtures.Folder("vit_timm")])
            Assert.Contains("holds files already", Assert.Throws<CheckpointException>(() => ModelConverter.Convert(ModelFixtures.Folder("vit_timm"), target, new() { Library = ModelLibrary.HuggingFace })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("timm")]
    [InlineData("hf")]
    public void Numbers_that_float16_does_not_reach_are_refused(string to)
    {
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder("vit_timm"));
        loaded.Model["blocks.1.norm1.weight"].Load(Tensor.Full([48], 70000f));
        loaded.Save(scratch["large"]);
        string message = Assert.Throws<CheckpointException>(() => ModelConverter.Convert(scratch["large"], scratch["out"], new() { Library = Library(to), Type = DType.Float16 })).Message;
        Assert.Contains("tensor \"blocks.1.norm1.weight\": holds 70000, and float16 ends at 65504; choose bfloat16", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["out"]));
    }

    static ModelLibrary Library(string word) => word switch
    {
        "timm" => ModelLibrary.Timm,
        "torchvision" => ModelLibrary.Torchvision,
        _ => ModelLibrary.HuggingFace,
    };
}
