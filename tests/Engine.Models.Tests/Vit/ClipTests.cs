using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

/// <summary>CLIP's image tower from the folders that people have: with and without its projection, alone and beside the text tower.</summary>
public sealed class ClipTests : IDisposable
{
    const string Fixture = "clip_vision_hf";

    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void The_tower_is_saved_byte_for_byte_as_it_came()
    {
        LoadedModel<ImageClassifier> loaded = ModelFolder.Load<ImageClassifier>(ModelFixtures.Folder(Fixture));
        Assert.Equal(("Hugging Face CLIP", 0, 0), (loaded.Layout, loaded.StoredClasses, loaded.Model.Classes));
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder(Fixture), scratch["saved"]);
    }

    [Fact]
    public void Its_shape_is_the_configs()
    {
        VitConfig config = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(Fixture)).Model.Config;
        Assert.Equal(new VitConfig
        {
            ImageSize = 32,
            PatchSize = 8,
            Width = 48,
            Depth = 3,
            Heads = 3,
            MlpWidth = 192,
            Classes = 0,
            Epsilon = 1e-5f,
            Activation = Activation.QuickGelu,
            PreNorm = true,
            ProjectionWidth = 7,
        }, config);
    }

    [Fact]
    public void A_head_sees_the_embedding_and_comes_back_with_the_saved_model()
    {
        using StepScope step = StepScope.Begin();
        LoadedModel<VisionTransformer> plain = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(Fixture));
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(Fixture), new() { Classes = 4, Seed = 3 });
        Assert.Equal(["head.weight", "head.bias"], loaded.Fresh);
        Assert.Equal([4, 7], loaded.Model["head.weight"].Value.Shape);
        Tensor pixels = ModelFixtures.Pixels(loaded.Model.Config);
        Tensor embedding = plain.Model.Forward(pixels).Value;
        TensorAssert.SameBits(loaded.Model.Features(pixels).Value, embedding, "features");
        TensorAssert.SameBits(
            loaded.Model.Forward(pixels).Value, Functions.Linear(embedding, loaded.Model["head.weight"], loaded.Model["head.bias"]).Value, "logits");

        loaded.Save(scratch["headed"]);
        using (ShardedSafeTensors file = ShardedSafeTensors.Open(scratch["headed"]))
        {
            using ShardedSafeTensors stored = ShardedSafeTensors.Open(ModelFixtures.Folder(Fixture));
            Assert.True(file.Read("visual_projection.weight").SequenceEqual(stored.Read("visual_projection.weight")));
            Assert.Equal([4L, 7L], file.Items["classifier.weight"].Shape.ToArray());
        }

        LoadedModel<VisionTransformer> again = ModelFolder.Load<VisionTransformer>(scratch["headed"]);
        Assert.Empty(again.Fresh);
        Assert.Equal(4, again.StoredClasses);
        TensorAssert.SameBits(again.Model.Forward(pixels).Value, loaded.Model.Forward(pixels).Value, "logits");

        LoadedModel<VisionTransformer> other = ModelFolder.Load<VisionTransformer>(scratch["headed"], new() { Classes = 2 });
        Assert.Equal(["head.weight", "head.bias"], other.Fresh);
    }

    [Fact]
    public void The_whole_of_clip_keeps_its_text_tower()
    {
        string folder = Whole();
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        Assert.Equal(ModelFolder.Load<VisionTransformer>(ModelFixtures.Folder(Fixture)).Model.Config, loaded.Model.Config);
        Assert.Equal(
            ["logit_scale", "text_model.embeddings.position_ids", "text_model.encoder.layers.0.mlp.fc1.weight", "text_projection.weight", "vision_model.embeddings.position_ids"],
            loaded.Unused.Order(StringComparer.Ordinal));
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);

        LoadedModel<VisionTransformer> headed = ModelFolder.Load<VisionTransformer>(folder, new() { Classes = 3 });
        headed.Save(scratch["headed"]);
        LoadedModel<VisionTransformer> again = ModelFolder.Load<VisionTransformer>(scratch["headed"]);
        Assert.Equal((3, 5), (again.StoredClasses, again.Unused.Count));
    }

    [Fact]
    public void Another_image_size_is_entered_in_the_inner_config_and_old_position_numbers_go()
    {
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(Whole(), new() { ImageSize = 48 });
        Assert.Equal([1, 37, 48], loaded.Model["position_embedding"].Value.Shape);
        loaded.Save(scratch["large"]);
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(scratch["large"], "config.json")))!;
        Assert.Equal(48, config["vision_config"]!["image_size"]!.GetValue<int>());
        Assert.Null(config["image_size"]);
        using (ShardedSafeTensors file = ShardedSafeTensors.Open(scratch["large"]))
        {
            Assert.Equal([37L, 48L], file.Items["vision_model.embeddings.position_embedding.weight"].Shape.ToArray());
            Assert.False(file.Items.ContainsKey("vision_model.embeddings.position_ids"));
            Assert.True(file.Items.ContainsKey("text_model.embeddings.position_ids"));
        }

        VisionTransformer again = ModelFolder.Load<VisionTransformer>(scratch["large"]).Model;
        TensorAssert.SameBits(again["position_embedding"].Value, loaded.Model["position_embedding"].Value, "positions");
    }

    [Fact]
    public void A_tower_without_projection_gives_the_class_tokens_features()
    {
        string folder = ModelFixtures.Copy(Fixture, scratch);
        Edit(folder, config => config["architectures"] = new JsonArray("CLIPVisionModel"));
        ModelFixtures.Rewrite(folder, item => item.Name == "visual_projection.weight" ? null : item);
        LoadedModel<VisionTransformer> loaded = ModelFolder.Load<VisionTransformer>(folder);
        using StepScope step = StepScope.Begin();
        Assert.Equal([2, 48], loaded.Model.Forward(ModelFixtures.Pixels(loaded.Model.Config)).Shape);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"], except: "config.json");
    }

    [Fact]
    public void An_inner_config_without_its_defaults_has_the_librarys()
    {
        byte[] config = """{"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 512, "vision_config": {"patch_size": 16, "model_type": "clip_vision_model"}}"""u8.ToArray();
        Assert.Equal(VitConfig.Named("clip-vit-b16"), new HuggingFaceClip().Read(ConfigFile.Parse("config.json", config)));
    }

    [Theory]
    [InlineData("\"clip_vision_model\"", "\"siglip_vision_model\"", "\"model_type\" is \"siglip_vision_model\"; known with these tensors are clip and clip_vision_model")]
    [InlineData("CLIPVisionModelWithProjection", "CLIPForImageClassification", "\"architectures\" names \"CLIPForImageClassification\"; known are CLIPModel, CLIPVisionModelWithProjection and CLIPVisionModel")]
    [InlineData("CLIPVisionModelWithProjection", "CLIPVisionModel", "1 tensor is not part of the model: \"visual_projection.weight\"")]
    [InlineData("\"projection_dim\": 7", "\"projection_dim\": 8", "tensor \"visual_projection.weight\": F32 [7, 48] found, config.json makes it [8, 48]")]
    [InlineData("\"image_size\": 32", "\"image_size\": 40", "tensor \"vision_model.embeddings.position_embedding.weight\": F32 [17, 48] found, config.json makes it [26, 48]")]
    [InlineData("\"hidden_size\": 48", "\"hidden_size\": 96", "tensor \"vision_model.embeddings.patch_embedding.weight\": F32 [48, 3, 8, 8] found, config.json makes it [96, 3, 8, 8]")]
    [InlineData("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 5", "holds 3 blocks, config.json says 5")]
    public void A_config_that_contradicts_the_tower_is_refused(string right, string wrong, string problem)
    {
        string folder = ModelFixtures.Copy(Fixture, scratch), path = Path.Combine(folder, "config.json");
        string config = File.ReadAllText(path);
        Assert.Contains(right, config, StringComparison.Ordinal);
        File.WriteAllText(path, config.Replace(right, wrong, StringComparison.Ordinal));
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<VisionTransformer>(folder)).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    /// <summary>The fixture's tower in a whole CLIPModel, as older versions of the library wrote it.</summary>
    string Whole()
    {
        string folder = ModelFixtures.Copy(Fixture, scratch);
        JsonObject vision = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        vision["projection_dim"] = 512;                         // stale, as in the published files; the outer one counts
        JsonObject config = new()
        {
            ["architectures"] = new JsonArray("CLIPModel"),
            ["model_type"] = "clip",
            ["projection_dim"] = 7,
            ["text_config"] = new JsonObject { ["hidden_size"] = 8 },
            ["vision_config"] = vision,
        };
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        ModelFixtures.Rewrite(folder, item => item,
            new("logit_scale", SafeTensorType.F32),
            new("text_model.embeddings.position_ids", SafeTensorType.I64, 1, 77),
            new("text_model.encoder.layers.0.mlp.fc1.weight", SafeTensorType.F32, 32, 8),
            new("text_projection.weight", SafeTensorType.F32, 7, 8),
            new("vision_model.embeddings.position_ids", SafeTensorType.I64, 1, 17));
        return folder;
    }

    static void Edit(string folder, Action<JsonObject> change)
    {
        string path = Path.Combine(folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
    }
}
