using System.Text.Json;
using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class SwinFolderTests : IDisposable
{
    readonly SafeTensorsScratch scratch = new();

    public static TheoryData<string> Names => [.. ModelFixtures.Names("swin_")];

    public void Dispose() => scratch.Dispose();

    [Theory, MemberData(nameof(Names))]
    public void An_untrained_model_is_saved_byte_for_byte_as_it_came(string name)
    {
        LoadedModel<SwinTransformer> loaded = ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder(name));
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(ModelFixtures.Folder(name), scratch["saved"]);
        Assert.Empty(loaded.Fresh);
        Assert.Equal(7, loaded.StoredClasses);
    }

    [Theory]
    [InlineData("swin_timm", "timm Swin")]
    [InlineData("swin_hf", "Hugging Face Swin")]
    [InlineData("swin_torchvision", "torchvision Swin")]
    public void The_layout_is_recognised_by_the_tensors(string name, string layout) =>
        Assert.Equal(layout, ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder(name)).Layout);

    [Theory, MemberData(nameof(Names))]
    public void Another_number_of_classes_takes_a_fresh_head_and_nothing_else(string name)
    {
        LoadedModel<ImageClassifier> loaded = ModelFolder.Load<ImageClassifier>(ModelFixtures.Folder(name), new() { Classes = 3, Seed = 5 });
        Assert.Equal(["head.weight", "head.bias"], loaded.Fresh);
        Assert.Equal((7, 3), (loaded.StoredClasses, loaded.Model.Classes));
        loaded.Save(scratch["saved"]);
        AssertLoadsAlike(loaded.Model, scratch["saved"]);
        Assert.Equal(3, ModelFolder.Load<SwinTransformer>(scratch["saved"]).StoredClasses);
    }

    // The files of the paper's authors: merged at the end of a stage, a plain head, and buffers beside the parameters.
    [Fact]
    public void The_authors_names_and_buffers_come_and_go()
    {
        string folder = Original();
        LoadedModel<SwinTransformer> loaded = ModelFolder.Load<SwinTransformer>(folder);
        Assert.Equal("timm Swin (older names)", loaded.Layout);
        Assert.Equal(5, loaded.Unused.Count);
        AssertLoadsAlike(ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder("swin_timm")).Model, folder);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);
    }

    [Theory]
    [InlineData("swin_hf", "swin.encoder.layers.1.blocks.0.attention.self.relative_position_index")]
    [InlineData("swin_torchvision", "features.3.0.attn.relative_position_index")]
    public void A_stored_index_is_kept_and_written_anew_for_other_windows(string name, string index)
    {
        string folder = ModelFixtures.Copy(name, scratch);
        ModelFixtures.Rewrite(folder, item => item, new SafeTensorItem(index, SafeTensorType.I64, name == "swin_hf" ? [16, 16] : [256]));
        LoadedModel<SwinTransformer> loaded = ModelFolder.Load<SwinTransformer>(folder);
        Assert.Equal([index], loaded.Unused);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);

        ModelFolder.Load<SwinTransformer>(folder, new() { WindowSize = 2 }).Save(scratch["small"]);
        using SafeTensors file = SafeTensors.Open(Path.Combine(scratch["small"], "model.safetensors"));
        Assert.Equal(name == "swin_hf" ? [4, 4] : [16], file.Items[index].Shape.ToArray());
        Assert.Equal([4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4], file.Read<long>(index).ToArray());
    }

    [Theory, MemberData(nameof(Names))]
    public void Other_windows_resample_the_position_biases(string name)
    {
        SwinTransformer stored = ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder(name)).Model;
        LoadedModel<SwinTransformer> wide = ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder(name), new() { WindowSize = 8, ImageSize = 64 });
        Assert.Empty(wide.Fresh);
        Assert.Equal((8, 64), (wide.Model.Config.WindowSize, wide.Model.ImageSize));
        const string table = "backbone.stages.0.blocks.1.position_bias.table";
        Tensor picture = stored[table].Value.Transpose().Reshape(1, 2, 7, 7);
        Tensor expected = Functions.Interpolate(picture.Contiguous(), 15, 15, Interpolation.Bicubic).Value.Reshape(2, 225).Transpose();
        TensorAssert.Close(wide.Model[table].Value, expected.Contiguous(), 1e-6, 1e-6, table);
        using StepScope step = StepScope.Begin();
        Assert.Equal([1, 7], wide.Model.Forward(Tensor.Ones([1, 3, 64, 64])).Shape);
        wide.Save(scratch["wide"]);
        AssertLoadsAlike(wide.Model, scratch["wide"]);
    }

    [Fact]
    public void Larger_images_take_the_same_weights_where_the_windows_stay()
    {
        LoadedModel<SwinTransformer> large = ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder("swin_torchvision"), new() { ImageSize = 48 });
        SwinTransformer stored = ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder("swin_torchvision")).Model;
        foreach (Parameter parameter in stored.Parameters) TensorAssert.SameBits(large.Model[parameter.Name].Value, parameter.Value, parameter.Name);
        large.Save(scratch["large"]);
        Assert.Equal(48, ModelFolder.Load<SwinTransformer>(scratch["large"]).Model.ImageSize);
    }

    [Fact]
    public void The_hubs_form_of_config_names_an_architecture_and_what_departs_from_it()
    {
        string folder = ModelFixtures.Copy("swin_timm", scratch);
        File.WriteAllText(Path.Combine(folder, "config.json"), """
            {"architecture": "swin_tiny_patch4_window7_224", "num_classes": 7, "num_features": 48, "global_pool": "avg",
             "model_args": {"embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4], "patch_size": 2, "window_size": 4},
             "pretrained_cfg": {"tag": "test", "input_size": [3, 32, 32], "num_classes": 7}}
            """);
        LoadedModel<SwinTransformer> loaded = ModelFolder.Load<SwinTransformer>(folder);
        Assert.Equal(ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder("swin_timm")).Model.Config, loaded.Model.Config);

        ModelFolder.Load<SwinTransformer>(folder, new() { Classes = 2, WindowSize = 8, ImageSize = 64 }).Save(scratch["two"]);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(scratch["two"], "config.json")));
        Assert.Equal(2, config.RootElement.GetProperty("num_classes").GetInt32());
        Assert.Equal(8, config.RootElement.GetProperty("model_args").GetProperty("window_size").GetInt32());
        Assert.Equal("swin_tiny_patch4_window7_224", config.RootElement.GetProperty("architecture").GetString());
        SwinConfig again = ModelFolder.Load<SwinTransformer>(scratch["two"]).Model.Config;
        Assert.Equal((2, 8, 64), (again.Classes, again.WindowSize, again.ImageSize));
    }

    [Theory]
    [InlineData("swin_tiny_patch4_window7_224", "holds 0 blocks in stage 2, config.json says 6")]
    [InlineData("swin_base_patch4_window12_384.ms_in22k_ft_in1k", "holds 0 blocks in stage 2, config.json says 18")]
    public void A_name_alone_says_how_deep_the_model_is(string architecture, string problem)
    {
        string folder = ModelFixtures.Copy("swin_timm", scratch);
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""{"architecture": "{{architecture}}", "num_classes": 7}""");
        AssertRefused(folder, problem);
    }

    [Fact]
    public void A_headless_encoder_loads_and_a_head_can_be_asked_for()
    {
        string folder = ModelFixtures.Copy("swin_hf", scratch);
        string config = File.ReadAllText(Path.Combine(folder, "config.json"));
        File.WriteAllText(Path.Combine(folder, "config.json"), config.Replace("SwinForImageClassification", "SwinModel", StringComparison.Ordinal));
        ModelFixtures.Rewrite(folder,
            item => item.Name.StartsWith("classifier.", StringComparison.Ordinal) ? null : new(item.Name["swin.".Length..], item.Type, item.Shape));
        LoadedModel<SwinTransformer> loaded = ModelFolder.Load<SwinTransformer>(folder);
        Assert.Equal(0, loaded.Model.Classes);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);

        LoadedModel<SwinTransformer> headed = ModelFolder.Load<SwinTransformer>(folder, new() { Classes = 4 });
        Assert.Equal(["head.weight", "head.bias"], headed.Fresh);
        headed.Save(scratch["headed"]);
        Assert.Equal(4, ModelFolder.Load<SwinTransformer>(scratch["headed"]).StoredClasses);
        AssertLoadsAlike(headed.Model, scratch["headed"]);
    }

    [Fact]
    public void A_head_is_added_in_the_type_of_the_weights_where_an_index_comes_first()
    {
        string folder = ModelFixtures.Copy("swin_hf", scratch), path = Path.Combine(folder, "model.safetensors"), config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("SwinForImageClassification", "SwinModel", StringComparison.Ordinal));
        ModelFixtures.Rewrite(folder,
            item => item.Name.StartsWith("classifier.", StringComparison.Ordinal) ? null : new(item.Name["swin.".Length..], item.Type, item.Shape),
            new SafeTensorItem("encoder.layers.0.blocks.0.attention.self.relative_position_index", SafeTensorType.I64, 16, 16));
        using (SafeTensors file = SafeTensors.Open(path))
        {
            SafeTensors.Create(path + ".new", file.Items.Values, writer =>
            {
                foreach (SafeTensorItem item in file.Items.Values) writer.Write(item.Name, item.Type, item.Shape, file.Read(item.Name));
            }, file.Metadata, TensorOrder.Reference);
        }

        File.Move(path + ".new", path, overwrite: true);
        ModelFolder.Load<SwinTransformer>(folder, new() { Classes = 4 }).Save(scratch["headed"]);
        using SafeTensors headed = SafeTensors.Open(Path.Combine(scratch["headed"], "model.safetensors"));
        Assert.Equal(SafeTensorType.I64, headed.Items.Values.First().Type);
        Assert.Equal(SafeTensorType.F32, headed.Items["classifier.weight"].Type);
    }

    [Theory]
    [InlineData(ModelLibrary.Timm, WindowRule.Shrink, Activation.Gelu)]
    [InlineData(ModelLibrary.Torchvision, WindowRule.Pad, Activation.GeluTanh)]
    public void A_model_from_scratch_is_saved_in_a_layout_that_loads(ModelLibrary library, WindowRule rule, Activation activation)
    {
        SwinConfig config = SwinFixtures.Small with { Activation = activation, Epsilon = 1e-4f, QkvBias = false };
        SwinTransformer model = new(config, seed: 3);
        ModelFolder.Save(model, scratch["new"], library: library);
        LoadedModel<SwinTransformer> loaded = ModelFolder.Load<SwinTransformer>(scratch["new"]);
        Assert.Equal(config with { WindowRule = rule }, loaded.Model.Config);
        AssertLoadsAlike(model, scratch["new"]);
        loaded.Save(scratch["again"]);
        ModelFixtures.AssertSameFolders(scratch["new"], scratch["again"]);
    }

    [Theory]
    [InlineData("swin_timm", ModelLibrary.HuggingFace)]
    [InlineData("swin_timm", ModelLibrary.Torchvision)]
    [InlineData("swin_hf", ModelLibrary.Timm)]
    [InlineData("swin_torchvision", ModelLibrary.HuggingFace)]
    public void Written_in_another_layout_the_model_gives_the_same_logits(string name, ModelLibrary library)
    {
        using StepScope step = StepScope.Begin();
        SwinTransformer model = ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder(name)).Model;
        ModelFolder.Save(model, scratch["converted"], library: library);
        Tensor pixels = SwinFixtures.Pixels(model.Config);
        TensorAssert.SameBits(ModelFolder.Load<SwinTransformer>(scratch["converted"]).Model.Forward(pixels).Value, model.Forward(pixels).Value, "logits");
    }

    // A map of 12 patches in windows of 8: one library turns the map before it is padded, another after.
    [Fact]
    public void A_library_that_would_compute_something_else_is_refused()
    {
        SwinTransformer model = new(SwinFixtures.Small with { ImageSize = 48, WindowSize = 8 });
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Save(model, scratch["new"], library: ModelLibrary.Timm)).Message;
        Assert.Contains("timm Swin has no windows as the model's, which cuts the map of 12 x 12 patches of stage 0 into windows of 8 by the rule Pad, not Shrink", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["new"]));
    }

    [Theory]
    [InlineData("\"depths\": [\n  2,\n  2\n ]", "\"depths\": [2, 3]", "holds 2 blocks in stage 1, config.json says 3")]
    [InlineData("\"depths\": [\n  2,\n  2\n ]", "\"depths\": [2, 2, 2]", "3 stages by their depths and 2 by their heads")]
    [InlineData("\"depths\": [\n  2,\n  2\n ]", "\"depths\": [2]", "1 stages by their depths and 2 by their heads")]
    [InlineData("\"depths\": [\n  2,\n  2\n ]", "\"depths\": 2", "\"depths\" must be a list of whole numbers, found 2")]
    [InlineData("\"num_heads\": [\n  2,\n  4\n ]", "\"num_heads\": [2, 5]", "width 48 of stage 1 is not a multiple of 5 heads")]
    [InlineData("\"num_heads\": [\n  2,\n  4\n ]", "\"num_heads\": [2, 8]", "relative_position_bias_table\": F32 [49, 4] found, config.json makes it [49, 8]")]
    [InlineData("\"window_size\": 4", "\"window_size\": 7", "relative_position_bias_table\": F32 [49, 2] found, config.json makes it [169, 2]")]
    [InlineData("\"window_size\": 4", "\"window_size\": 1000", "no model is of this size")]
    [InlineData("\"embed_dim\": 24", "\"embed_dim\": 48", "tensor \"patch_embed.proj.weight\": F32 [24, 3, 2, 2] found, config.json makes it [48, 3, 2, 2]")]
    [InlineData("\"embed_dim\": 24", "\"embed_dim\": 0", "must be positive")]
    [InlineData("\"mlp_ratio\": 4.0", "\"mlp_ratio\": 2.0", "mlp.fc1.weight\": F32 [96, 24] found, config.json makes it [48, 24]")]
    [InlineData("\"num_labels\": 7", "\"num_labels\": 8", "tensor \"head.fc.weight\": has 7 classes, config.json says 8")]
    [InlineData("\"image_size\": 32", "\"image_size\": 33", "images of 33 pixels do not divide into patches of 2")]
    [InlineData("\"embed_dim\"", "\"width\"", "\"architecture\" is \"swin_transformer\"; known are swin_ tiny")]
    public void A_config_that_is_wrong(string right, string wrong, string problem)
    {
        string folder = ModelFixtures.Copy("swin_timm", scratch);
        string path = Path.Combine(folder, "config.json"), config = File.ReadAllText(path).ReplaceLineEndings("\n");
        Assert.Contains(right, config, StringComparison.Ordinal);
        File.WriteAllText(path, config.Replace(right, wrong, StringComparison.Ordinal));
        AssertRefused(folder, problem);
    }

    [Theory]
    [InlineData("""{"architecture": "swinv2_tiny_window8_256"}""", "\"architecture\" is \"swinv2_tiny_window8_256\"; known are")]
    [InlineData("""{"architecture": "swin_tiny_patch4_window7_224", "model_args": {"window_size": [7, 7]}}""", "\"model_args.window_size\" must be a whole number")]
    [InlineData("""{"architecture": "swin_tiny_patch4_window7_224", "model_args": {"always_partition": true}}""", "\"model_args.always_partition\" is an option")]
    [InlineData("""{"architecture": "swin_tiny_patch4_window7_224", "global_pool": ""}""", "\"global_pool\" is \"\"")]
    public void A_config_that_is_something_else(string config, string problem)
    {
        string folder = ModelFixtures.Copy("swin_timm", scratch);
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        AssertRefused(folder, problem);
    }

    [Theory]
    [InlineData("\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 1e-06", "\"layer_norm_eps\" is 1E-06; the library uses it in some norms")]
    [InlineData("\"patch_size\": 2", "\"patch_size\": 2, \"use_absolute_embeddings\": true", "\"use_absolute_embeddings\" is true")]
    public void A_Hugging_Face_config_that_this_engine_has_no_model_for(string right, string wrong, string problem)
    {
        string folder = ModelFixtures.Copy("swin_hf", scratch);
        string path = Path.Combine(folder, "config.json"), config = File.ReadAllText(path);
        Assert.Contains(right, config, StringComparison.Ordinal);
        File.WriteAllText(path, config.Replace(right, wrong, StringComparison.Ordinal));
        AssertRefused(folder, problem);
    }

    [Fact]
    public void A_missing_bias_table()
    {
        string folder = ModelFixtures.Copy("swin_torchvision", scratch);
        ModelFixtures.Rewrite(folder, item => item.Name.EndsWith("bias_table", StringComparison.Ordinal) ? null : item);
        AssertRefused(folder, "4 tensors are missing: \"features.1.0.attn.relative_position_bias_table\"");
    }

    // As the authors' files would hold the reference model.
    string Original()
    {
        string folder = ModelFixtures.Copy("swin_timm", scratch);
        ModelFixtures.Rewrite(folder,
            item => new(item.Name.Replace("head.fc.", "head.", StringComparison.Ordinal).Replace("layers.1.downsample", "layers.0.downsample", StringComparison.Ordinal), item.Type, item.Shape),
            [
                .. Enumerable.Range(0, 4).Select(i => new SafeTensorItem($"layers.{i / 2}.blocks.{i % 2}.attn.relative_position_index", SafeTensorType.I64, 16, 16)),
                new("layers.0.blocks.1.attn_mask", SafeTensorType.F32, 16, 16, 16),
            ]);
        return folder;
    }

    static void AssertLoadsAlike(Module model, string folder)
    {
        SwinTransformer again = ModelFolder.Load<SwinTransformer>(folder).Model;
        Assert.Equal(model.Parameters.Count, again.Parameters.Count);
        foreach (Parameter parameter in model.Parameters) TensorAssert.SameBits(again[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    static void AssertRefused(string folder, string problem)
    {
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<SwinTransformer>(folder)).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
