using System.Text.Json.Nodes;
using Engine.Autograd;
using Engine.Tensors;
using Engine.Testing;

namespace Engine.Models.Tests;

public sealed class UperNetTests : IDisposable
{
    static readonly UperNetConfig Small = new()
    {
        Backbone = SwinFixtures.Small with { Classes = 0, WindowRule = WindowRule.PadAndShift },
        Classes = 3,
        Channels = 6,
        AuxiliaryChannels = 4,
    };

    readonly SafeTensorsScratch scratch = new();

    public void Dispose() => scratch.Dispose();

    // The Swin paper, table 3 (ADE20K): 60, 81 and 121 million.
    [Theory, Trait("Speed", "Slow")]
    [InlineData("tiny", 60)]
    [InlineData("small", 81)]
    [InlineData("base", 121)]
    public void On_the_papers_backbones_it_has_the_published_size(string size, int millions)
    {
        SwinConfig swin = size switch { "tiny" => SwinConfig.Tiny(), "small" => SwinConfig.Small(), _ => SwinConfig.Base() };
        UperNet model = new(ModuleScope.Root(initialize: false), new() { Backbone = swin with { Classes = 0 } });
        Assert.Equal(millions, (int)Math.Round(model.ParameterCount / 1e6));
        foreach (Parameter parameter in model.Parameters) parameter.Value.Release();
    }

    [Fact]
    public void A_new_model_is_saved_with_what_torch_keeps_of_batch_normalization_and_comes_back_to_the_byte()
    {
        ModelFolder.Save(new UperNet(Small, seed: 1), scratch["new"]);
        using (SafeTensors file = SafeTensors.Open(Path.Combine(scratch["new"], "model.safetensors")))
        {
            string[] norms = [.. file.Items.Keys.Where(name => name.EndsWith(".running_var", StringComparison.Ordinal)).Select(name => name[..name.LastIndexOf('.')]).Order(StringComparer.Ordinal)];
            SafeTensorItem[] counts = [.. file.Items.Values.Where(item => item.Name.EndsWith(".num_batches_tracked", StringComparison.Ordinal))];
            Assert.Equal(4 + 1 + 2 + 2 + 1 + 1, norms.Length);              // pooling, its fusion, laterals, outputs, fusion, auxiliary
            Assert.Equal(norms.Select(norm => $"{norm}.num_batches_tracked"), counts.Select(item => item.Name));
            Assert.All(counts, item => Assert.Equal((SafeTensorType.I64, 0, 0L), (item.Type, item.Shape.Length, file.Read<long>(item.Name)[0])));
        }

        LoadedModel<UperNet> loaded = ModelFolder.Load<UperNet>(scratch["new"]);
        loaded.Save(scratch["again"]);
        ModelFixtures.AssertSameFolders(scratch["new"], scratch["again"]);
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(48, 80)]
    [InlineData(37, 70)]
    public void Every_pixel_has_logits_whatever_the_size_of_the_image(int height, int width)
    {
        using StepScope step = StepScope.Begin();
        UperNet model = new(Small, seed: 1);
        Tensor pixels = RandomNumbers.Normal([2, 3, height, width], new Philox(2));
        (Variable logits, Variable? auxiliary) = model.ForwardBoth(pixels);
        Assert.Equal([2, 3, height, width], logits.Shape);
        Assert.Equal([2, 3, height, width], auxiliary!.Shape);
        TensorAssert.SameBits(model.Forward(pixels).Value, logits.Value, "one head");
        using Tape.Pause pause = Tape.NoGradient();
        TensorAssert.SameBits(model.Forward(pixels).Value, logits.Value, "evaluated");
    }

    [Fact]
    public void Both_losses_together_reach_every_parameter_and_ignored_pixels_reach_none()
    {
        using StepScope step = StepScope.Begin();
        UperNet model = new(Small, seed: 1);
        model.Train();
        Tensor pixels = RandomNumbers.Normal([2, 3, 48, 64], new Philox(2));
        Tensor labels = Tensor.From<int>([.. Enumerable.Range(0, 2 * 48 * 64).Select(i => i % 7 == 0 ? 255 : i % 3)], [2, 48, 64]);
        (Variable logits, Variable? auxiliary) = model.ForwardBoth(pixels);
        CrossEntropyOptions options = new() { IgnoreIndex = 255 };
        logits.RetainGradient();
        (Functions.CrossEntropy(logits, labels, options) + model.AuxiliaryWeight * Functions.CrossEntropy(auxiliary!, labels, options)).Backward();
        Assert.All(model.Parameters, parameter => Assert.Equal(!parameter.IsBuffer, parameter.HasGradient));
        float[] gradient = logits.Gradient!.Permute(0, 2, 3, 1).Contiguous().ToArray<float>();
        Assert.All(Enumerable.Range(0, gradient.Length).Where(i => i / 3 % 7 == 0), i => Assert.Equal(0, gradient[i]));
    }

    [Fact]
    public void The_running_statistics_follow_the_batches_and_are_saved()
    {
        using StepScope step = StepScope.Begin();
        UperNet model = new(Small, seed: 1);
        Tensor pixels = RandomNumbers.Normal([2, 3, 64, 64], new Philox(2)), fresh = model.Forward(pixels).Value;
        model.Train();
        model.Forward(pixels);
        model.Evaluate();
        Tensor trained = model.Forward(pixels).Value;
        Assert.NotEqual(fresh.ToArray<float>(), trained.ToArray<float>());
        ModelFolder.Save(model, scratch["saved"]);
        TensorAssert.SameBits(ModelFolder.Load<Segmenter>(scratch["saved"]).Model.Forward(pixels).Value, trained, "saved");
    }

    [Fact]
    public void It_is_saved_as_Hugging_Face_saves_it_and_comes_back()
    {
        UperNet model = new(Small with { AuxiliaryKeepsInput = true, AuxiliaryDepth = 2 }, seed: 1);
        ModelFolder.Save(model, scratch["new"]);
        using (SafeTensors file = SafeTensors.Open(Path.Combine(scratch["new"], "model.safetensors")))
        {
            foreach (string name in (string[])
            [
                "backbone.embeddings.patch_embeddings.projection.weight", "backbone.embeddings.norm.bias",
                "backbone.encoder.layers.0.blocks.1.attention.self.query.weight", "backbone.encoder.layers.1.downsample.reduction.weight",
                "backbone.encoder.layers.2.blocks.0.attention.self.relative_position_bias_table", "backbone.hidden_states_norms.stage3.weight",
                "decode_head.psp_modules.3.1.conv.weight", "decode_head.psp_modules.0.1.batch_norm.running_mean", "decode_head.bottleneck.batch_norm.running_var",
                "decode_head.lateral_convs.1.batch_norm.weight", "decode_head.fpn_convs.0.conv.weight", "decode_head.fpn_bottleneck.conv.weight",
                "decode_head.classifier.bias", "auxiliary_head.convs.1.conv.weight", "auxiliary_head.conv_cat.conv.weight", "auxiliary_head.classifier.weight",
            ]) Assert.True(file.Items.ContainsKey(name), name);
        }

        LoadedModel<UperNet> loaded = ModelFolder.Load<UperNet>(scratch["new"]);
        Assert.Equal(model.Config, loaded.Model.Config);
        Assert.Equal("Hugging Face UPerNet", loaded.Layout);
        Assert.Equal(ModelKind.Segmenter, ModelFolder.KindOf(scratch["new"]));
        Assert.Empty(loaded.Fresh);
        AssertAlike(model, loaded.Model);
        loaded.Save(scratch["again"]);
        ModelFixtures.AssertSameFolders(scratch["new"], scratch["again"]);
    }

    [Fact]
    public void Counters_of_batches_and_indices_are_kept_byte_for_byte()
    {
        string folder = Saved(), path = Path.Combine(folder, "model.safetensors");
        ModelFixtures.Rewrite(folder, item => item, new SafeTensorItem("backbone.encoder.layers.0.blocks.0.attention.self.relative_position_index", SafeTensorType.I64, 16, 16));
        byte[] bytes = File.ReadAllBytes(path);
        using (SafeTensors file = SafeTensors.Open(path))
            bytes[^(int)(file.Items.Values.Sum(item => item.ByteLength) - file.Items["decode_head.bottleneck.batch_norm.num_batches_tracked"].ByteOffset)] = 77;
        File.WriteAllBytes(path, bytes);
        LoadedModel<UperNet> loaded = ModelFolder.Load<UperNet>(folder);
        Assert.Equal(12, loaded.Unused.Count);
        loaded.Save(scratch["saved"]);
        ModelFixtures.AssertSameFolders(folder, scratch["saved"]);
    }

    [Fact]
    public void Another_number_of_classes_takes_fresh_classifiers_and_nothing_else()
    {
        LoadedModel<UperNet> loaded = ModelFolder.Load<UperNet>(Saved(), new() { Classes = 7 });
        Assert.Equal(["head.classifier.weight", "head.classifier.bias", "auxiliary.classifier.weight", "auxiliary.classifier.bias"], loaded.Fresh);
        loaded.Save(scratch["seven"]);
        LoadedModel<UperNet> again = ModelFolder.Load<UperNet>(scratch["seven"]);
        Assert.Equal((7, 7), (again.Model.Classes, again.StoredClasses));
        AssertAlike(loaded.Model, again.Model);
    }

    [Theory]
    [InlineData("swin_timm")]
    [InlineData("swin_hf")]
    [InlineData("swin_torchvision")]
    public void A_classifier_lends_its_backbone(string name)
    {
        LoadedModel<Segmenter> loaded = ModelFolder.Load<Segmenter>(ModelFixtures.Folder(name), new() { Segmentation = true, Classes = 4, Seed = 2 });
        SwinTransformer classifier = ModelFolder.Load<SwinTransformer>(ModelFixtures.Folder(name)).Model;
        foreach (Parameter parameter in loaded.Model.Parameters)
        {
            bool lent = parameter.Name.StartsWith("backbone.", StringComparison.Ordinal);
            Assert.Equal(!lent, parameter.IsFresh);
            if (lent) TensorAssert.SameBits(parameter.Value, classifier[parameter.Name].Value, parameter.Name);
        }

        Assert.Equal("Hugging Face UPerNet", loaded.Layout);
        loaded.Save(scratch["saved"]);
        LoadedModel<UperNet> again = ModelFolder.Load<UperNet>(scratch["saved"]);
        Assert.Equal(4, again.Model.Classes);
        AssertAlike(loaded.Model, again.Model);
    }

    [Fact]
    public void A_classifier_is_no_segmenter_unless_it_is_asked_for_with_classes()
    {
        Refused("holds a SwinTransformer (timm Swin), not a Segmenter", ModelFixtures.Folder("swin_timm"));
        Refused("describes a classifier; to make a segmentation model of it, say how many classes", ModelFixtures.Folder("swin_timm"), new() { Segmentation = true });
    }

    [Theory]
    [InlineData("model_type", "\"segformer\"", "\"model_type\" is \"segformer\"; of the models with such tensors, upernet is known")]
    [InlineData("backbone_config.model_type", "\"convnext\"", "\"backbone_config.model_type\" is \"convnext\"; known is swin")]
    [InlineData("backbone_config.out_features", "[\"stage4\"]", "\"backbone_config.out_features\" is [stage4]; this engine's UPerNet reads all stages, from stage1 to stage3")]
    [InlineData("backbone_config.depths", "[2, 2, 1]", "holds 2 blocks in stage 2, config.json says 1")]
    [InlineData("backbone_config.window_size", "7", "relative_position_bias_table\": F32 [49, 1] found, config.json makes it [169, 1]")]
    [InlineData("auxiliary_in_channels", "384", "\"auxiliary_in_channels\" is 384, the map of stage 3 has 32")]
    [InlineData("auxiliary_num_convs", "2", "tensors are missing: \"auxiliary_head.convs.1.conv.weight\"")]
    [InlineData("use_auxiliary_head", "false", "tensors are not part of the model: \"auxiliary_head.")]
    [InlineData("hidden_size", "12", "F32 [6, 32, 1, 1] found, config.json makes it [12, 32, 1, 1]")]
    [InlineData("hidden_size", "0", "describes no UPerNet: UperNetConfig: channels (0, 4 of the auxiliary head) must be positive")]
    [InlineData("pool_scales", "[1, 2]", "decode_head.bottleneck.conv.weight")]
    [InlineData("id2label", "{\"0\": \"a\"}", "tensor \"decode_head.classifier.weight\": has 3 classes, config.json says 1")]
    public void A_config_that_is_wrong(string key, string value, string problem)
    {
        string folder = Saved(), path = Path.Combine(folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject(), section = config;
        string[] parts = key.Split('.');
        if (parts.Length == 2) section = config[parts[0]]!.AsObject();
        section[parts[^1]] = JsonNode.Parse(value);
        File.WriteAllText(path, config.ToJsonString());
        Refused(problem, folder);
    }

    [Fact]
    public void Running_statistics_missing()
    {
        string folder = Saved();
        ModelFixtures.Rewrite(folder, item => item.Name.EndsWith("running_mean", StringComparison.Ordinal) ? null : item);
        Refused("tensors are missing: \"decode_head.psp_modules.0.1.batch_norm.running_mean\"", folder);
    }

    [Fact]
    public void Pixels_that_are_no_images_are_refused() =>
        Assert.Equal("UperNet: pixels are [2, 4, 16, 16], the model takes [B, 3, H, W].",
            Assert.Throws<ShapeException>(() => new UperNet(Small).Forward(Tensor.Zeros([2, 4, 16, 16]))).Message);

    string Saved()
    {
        ModelFolder.Save(new UperNet(Small, seed: 1), scratch["model"]);
        return scratch["model"];
    }

    static void AssertAlike(Module expected, Module actual)
    {
        Assert.Equal(expected.Parameters.Count, actual.Parameters.Count);
        foreach (Parameter parameter in expected.Parameters) TensorAssert.SameBits(actual[parameter.Name].Value, parameter.Value, parameter.Name);
    }

    static void Refused(string problem, string folder, LoadOptions? options = null)
    {
        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Load<Segmenter>(folder, options)).Message;
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }
}
